"""The memories of workspaces in memory, ready for the allocator, and how they are kept up to date.

A pool is made from the store once and then follows the workspace's sequence of changes: never a
clock. Imports `pool` and `model` of the core, and the store. Offers `PoolCache`.
"""
