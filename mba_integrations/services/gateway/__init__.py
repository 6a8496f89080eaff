"""The gateway: a base URL between a client and its provider.

`passing/` hands requests and replies on, `callers` and `plain` say who may call, `app` puts them
together. A skin: it imports no other one, and gets everything through services.
"""
