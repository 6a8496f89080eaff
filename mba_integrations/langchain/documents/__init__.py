"""Documents within a budget: a retriever, a compressor, and documents as items and back.

Imports the core, and of this package the sources of memories and `embeddings`.
"""
