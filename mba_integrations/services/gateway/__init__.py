"""The gateway: a base URL that gives any client memory within a budget.

A room imports those that stand before it: `wire`, `rewriting`.
"""
