"""Which items fit, and how far from the best choice that is.

Imports arrays and errors. Knows values, tokens and tiers as numbers, and nothing of items, prompts
or counters. Offers `pack` over a `PackingProblem`.
"""
