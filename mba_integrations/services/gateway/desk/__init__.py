"""What becomes of a call: its route, what it may spend, its memory, and what is noted in the end.

Imports all other rooms of the gateway. Offers `desk` (`Desk`, a `Preparing`).
"""
