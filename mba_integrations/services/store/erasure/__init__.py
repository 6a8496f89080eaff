"""Take away: what must not come back, from the tables and from backups that are restored; old logs.

Imports `scopes`, `rows`, `tables`, `dialect`, `documents` and `statements`. Offers `erasing` (by
id, subject or source), `ledger` (what was erased, as hashes) and `pruning` (what is old).
"""
