"""What a call gives back, readable.

Imports budget, config, layout, pool, selection, turns and value. Offers `Allocation` and the
decision about each candidate.
"""
