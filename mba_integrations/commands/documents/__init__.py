"""`mba documents`: documents in, the passages that fit out; on a file or against a server.

Imports `memory` (which database), `remote` and the RAG service when a command runs. Offers `app`
(`application`).
"""
