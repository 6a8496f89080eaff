"""Memories of chats within a budget, and where they keep what was said.

Imports the core, `conversation`, and of this package `messages`, `retrieval` and what stands beside
the rooms.
"""
