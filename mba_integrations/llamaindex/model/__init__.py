"""The model behind a budget: what an agent sends to it fits.

Imports the core, `conversation`, and of this package `messages` and what stands beside the rooms.
"""
