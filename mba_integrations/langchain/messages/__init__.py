"""LangChain's messages: what they cost, and what `conversation` reads of them.

Imports the core and `conversation`.
"""
