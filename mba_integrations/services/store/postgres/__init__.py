"""A store in a Postgres database.

Imports `scopes`, `store`, `errors`, `documents`, `fences`, `tables`, `statements` and `migrations`.
Offers `PostgresStore` (`store`).
"""
