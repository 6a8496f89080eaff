"""What calls through the gateway used: noted as they end, added up, and told.

Imports `budgets` (what tokens cost), `routing` and the memory service. Offers `noting` (`UsageLog`)
and `telling` (what a window adds up to).
"""
