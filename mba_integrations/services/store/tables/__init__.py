"""The tables, one set for SQLite and Postgres.

Every table on what belongs to a workspace begins its key with `workspace_id` and is in
`tenancy.TENANT_TABLES`. Imports `rows`, and `model` of the core. Offers `columns`, `workspaces`,
`memories`, `words`, `near`, `log`, `work`, `gateway`, `keys` and `tenancy`.
"""
