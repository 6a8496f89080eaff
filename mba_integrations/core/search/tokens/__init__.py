"""Texts as vectors of their tokens: made, kept small, and compared.

`token_vectors` asks an embedder and checks it, `cached_token_embedder` keeps what it made,
`late_interaction` compares.
"""
