"""Why an item has its score: the two or three signals that decided.

`signal` is what is said of one, `grounds` keeps what they are read from.
"""
