"""LlamaIndex' messages: what they cost, what `conversation` reads of them, which fit.

Imports the core, `conversation`, and of this package the counters.
"""
