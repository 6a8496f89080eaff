"""What is sent to a service over a network, and what comes back, alike for every skin.

Requests and replies are pydantic models that refuse what they do not know; `problems` has the one
table from our errors to a status and a type. Imports `memory`, `access`, `store` (its rows and its
errors) and the core; no web library. Offers `body`, `filters`, `memories`, `recalls` and
`problems`.
"""
