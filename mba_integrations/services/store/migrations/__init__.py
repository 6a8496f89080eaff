"""How the tables came to be: one revision for each release that changes them.

Imports `errors`, `rows`, `owned`, `fences`, `tables` and `statements`. Offers `revisions` (which
there are, which one a database has) and `upgrading`. Alembic, which takes long to import, loads
only when tables are made or upgraded.
"""
