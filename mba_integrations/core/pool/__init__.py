"""The items of one moment as columns, and the pool that keeps them.

Imports counting, dialogue, layout, rows, search and times. Offers `MemoryPool`, its files,
snapshots of lists and the columns of a snapshot. Knows no query.
"""
