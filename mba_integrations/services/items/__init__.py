"""Values under namespaces and keys, as LangGraph's stores have them, kept as memories.

Imports the memory service and its store; offers `Items`. Knows no framework: the store for agents
in `langchain` and the routes in `api` are two skins over it.
"""
