"""A store in a Postgres database.

Imports `scopes`, `store`, `errors`, `documents`, `fences`, `tables` and `migrations`. Offers
`PostgresStore` (`store`).
"""
