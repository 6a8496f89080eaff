"""A store in a Postgres database.

Imports `scopes`, `store`, `errors`, `tables` and `migrations`. Offers `PostgresStore` (`store`),
and to the revisions `fences`: row-level security and parts.
"""
