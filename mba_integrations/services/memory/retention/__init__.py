"""How long memories of a tier are kept: the rules, and what they decide on a list of memories.

Pure: no clock, no store. What is decided is carried out elsewhere.
"""
