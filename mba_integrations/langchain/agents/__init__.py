"""Agents within a budget: the middleware, what it plans, the memories that it brings in.

Imports the core, `conversation`, and of this package `messages`, the sources of memories and
`embeddings`. Needs langchain and langgraph.
"""
