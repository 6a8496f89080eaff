"""The gateway: a base URL that gives any client memory within a budget.

A room imports those that stand before it: `wire`, `rewriting`, `passing`. `callers` and `plain` say
who may call, `app` puts them together.
"""
