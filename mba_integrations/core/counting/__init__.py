"""How many tokens a text has.

Imports errors; the vocabularies of tiktoken or toktok-rs inside the function that needs them.
Offers the `TokenCounter` protocol, counters by model name, what a user has as a counter, bounds of
a count that need no counting, the cut of one text, and what the framing of a chat message costs.
"""
