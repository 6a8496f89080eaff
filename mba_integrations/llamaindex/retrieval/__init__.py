"""Retrieved nodes within a budget: the postprocessor, and nodes as items.

Imports the core, and of this package `messages` and what stands beside the rooms.
"""
