"""A `MemoryService` where LangChain and LangGraph meet memory: retriever, source, store.

The service is handed in; nothing here opens one, so SQLAlchemy is not imported.
"""
