"""Histories of chats within a budget, for chains: `BudgetedMemory`, `BudgetedChatMessageHistory`.

Imports the core, `conversation`, and of this package `messages`.
"""
