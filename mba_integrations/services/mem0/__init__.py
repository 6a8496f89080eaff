"""Memories as mem0's clients know them: their fields, their filters, their history.

Imports the memory service and its store; offers `Mem0Memories`. Knows nothing of HTTP. How a memory
is written in their fields is `memory/transfer/mem0.py`, the same as for an import.
"""
