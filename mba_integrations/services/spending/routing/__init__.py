"""Which model a request is asked of, by how complex its query is.

Imports the core alone. Offers `choosing`, `calibrating` and `baselines`.
"""
