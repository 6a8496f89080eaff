"""What a workspace, a key or a session may spend: reserved before a call, settled after it.

Imports the store and the memory service. Offers `spending` (`Spending`), `standing` (how budgets
stand), `costs`, `periods` and `errors`.
"""
