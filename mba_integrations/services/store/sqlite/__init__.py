"""A store in one SQLite file.

Imports `scopes`, `store`, `errors`, `documents`, `glances`, `owned`, `rows`, `tables`,
`statements`, `erasure` and `migrations`. Offers `SqliteStore` (`store`), `back_up` and `verify`
(`backups`), `restore` (`restoring`).
"""
