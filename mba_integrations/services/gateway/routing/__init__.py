"""Which model a request is asked of, by how complex its query is.

Imports the core's budget and settings alone. Offers `choosing`, `calibrating` and `baselines`.
"""
