"""How much a query asks for, and how many tokens that gives to each tier.

Imports config and the ground floor. Offers `estimate_complexity` and `plan_budget`.
"""
