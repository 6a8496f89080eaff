"""What each item is worth for a query.

Imports config, pool and search. Offers `evaluate`, from a query and a snapshot to relevance, score
and worth, with the vector of the query and the features that usefulness is worked out from.
"""
