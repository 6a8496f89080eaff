"""Routes of other servers, off by default: those of mem0 and of LangGraph's store.

`layer` makes requests and problems fit, `calls` finds the workspace, the others are routes: plain
functions, as in `routes`.
"""
