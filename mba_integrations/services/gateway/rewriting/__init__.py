"""A request as it is sent on: memory in its place, and the whole within a budget.

`rewrite` is a function of the request, the memory, the settings and what was sent before; it reads
no store. `memory` makes blocks of what the memory service recalls, and says what is to be
remembered of a call.

A rewritten request is put together from the client's own text. Its messages are kept or dropped
whole; only results of tools are shortened. Imports the core, `conversation` and `wire`; `memory`
imports the memory service.
"""
