"""What each item is worth for a query.

Imports config, dialogue, pool, search and times. Offers `evaluate`, from a query and a snapshot to
relevance, score and worth; the question, its match and the features that usefulness is worked out
from are made there, each once, and handed on. `need` is usefulness with its level, and with what
holds beside the match: the running talk, and standing instructions.
"""
