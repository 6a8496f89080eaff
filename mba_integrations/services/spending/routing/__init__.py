"""Which model a request is asked of, by how complex its query is.

Imports the core, and `logged` the memory service. Offers `choosing`, `calibrating`, `logged` and
`baselines`.
"""
