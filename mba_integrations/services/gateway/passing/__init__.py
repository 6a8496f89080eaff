"""Requests to a provider and its replies, handed on as they come; knows nothing of memory.

`gateway` is the ASGI app. What becomes of a call is said by a `Preparing`, which `calls` has.
"""
