"""What a call gives back, readable.

Imports budget, config, layout, selection, turns and value. Offers `Allocation`, the `Decision` that
its tables are made from, and what became of each candidate.
"""
