"""A RAG service over a memory service with one workspace, `kate`."""

from __future__ import annotations

import pytest
from memory_services import Opened

from mba_integrations.services.rag.service import RagService


@pytest.fixture
def rag(opened: Opened) -> RagService:
    """The service of one test."""
    memory = opened()
    memory.create_workspace("kate", max_total_tokens=1_000)
    return RagService(memory)
