"""The gateway: a base URL that gives clients of OpenAI and Anthropic memory within a budget.

Offers `budgets` (what may be spent), `routing` (which model is asked), `sessions` (to which
conversation a request belongs) and `usage` (what calls used).
"""
