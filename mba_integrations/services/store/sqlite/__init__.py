"""A store in one SQLite file.

Imports `scopes`, `store`, `errors`, `tables` and `migrations`. Offers `SqliteStore` (`store`).
"""
