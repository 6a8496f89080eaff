"""Erase what must not come back: from the tables, from copies, from backups that are restored.

Imports `scopes`, `rows`, `tables`, `dialect`, `documents` and `statements`. Offers `erasing` (by
id, subject or source) and `ledger` (what was erased, as hashes).
"""
