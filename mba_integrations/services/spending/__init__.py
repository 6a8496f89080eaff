"""What calls to providers may spend, which model they are asked of, and what they used.

Offers `budgets` (reserved before a call, settled after it), `routing` (a model for each level of
complexity) and `usage` (noted as calls end, added up, told). The gateway has them hold, the API and
the commands show them.
"""
