"""What others say of the order: retrievers, by their lists, and a reranker.

`order` is the rule by which an order moves estimates; `retrieved` reads the lists of retrievers by
it, `reranked` asks the reranker about the best candidates.
"""
