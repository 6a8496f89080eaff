"""Documents in, the passages that fit out: `RagService`, over the memory service.

A document is a row of the store; its pieces are memories in tier RAG. Imports `memory`, `store`,
and `ingest` to cut texts and read files. Offers `service`.
"""
