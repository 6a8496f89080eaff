"""`MemoryFeedbackHandler`: reads answers as they are written, and tells the service what they used.

LlamaIndex says that nodes were retrieved, and that an answer was made of nodes. The second has all
that is needed but the question of the retrieval, which may be another than that of the answer; so
questions are remembered from the first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from llama_index.core.base.response.schema import Response
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events.base import BaseEvent
from llama_index.core.instrumentation.events.retrieval import RetrievalEndEvent
from llama_index.core.instrumentation.events.synthesis import SynthesizeEndEvent
from llama_index.core.schema import NodeWithScore, QueryBundle

from mba_integrations.llamaindex.retrieval.service_retriever import RECALL_KEY
from mba_integrations.services.memory.feedback.answered import (
    AnswerReporter,
    Citations,
    GivenMemory,
)

if TYPE_CHECKING:
    from mba_integrations.services.memory.service import MemoryService

_MOST_QUESTIONS = 1_000
"""Retrievals whose answers may still come."""


class MemoryFeedbackHandler(BaseEventHandler):
    """An event handler that reports what answers used of recalled memories.

    Give it to a dispatcher, `get_dispatcher().add_event_handler(handler)`. Answers that engines
    make of nodes of a `MemoryServiceRetriever` are reported; streamed ones are not, since they are
    not read yet when LlamaIndex tells of them. What cannot be reported costs no answer: `problem`
    says why.

    Args:
        service: The service of the retrievers.
        citations: Reads the ids that an answer names, where the prompt asks for them.

    Raises:
        InputError: If *service* is none.
    """

    _reporter: AnswerReporter = PrivateAttr()
    _questions: OrderedDict[str, str] = PrivateAttr(default_factory=OrderedDict)
    _lock: Any = PrivateAttr(default_factory=threading.Lock)

    def __init__(self, service: MemoryService, *, citations: Citations | None = None) -> None:
        reporter = AnswerReporter(service, citations)
        super().__init__()
        self._reporter = reporter

    @classmethod
    def class_name(cls) -> str:
        """Name under which dispatchers know it."""
        return "MemoryFeedbackHandler"

    @property
    def problem(self) -> str | None:
        """Why the last report failed; None if it did not."""
        return self._reporter.problem

    def handle(self, event: BaseEvent, **kwargs: Any) -> None:
        """Remember a question, or report an answer."""
        if isinstance(event, RetrievalEndEvent):
            self._remember(event.nodes, event.str_or_query_bundle)
        elif isinstance(event, SynthesizeEndEvent) and isinstance(event.response, Response):
            given = self._given(event.response.source_nodes)
            self._reporter.report(event.response.response or "", given)

    def _remember(self, nodes: Iterable[NodeWithScore], asked: str | QueryBundle) -> None:
        question = asked.query_str if isinstance(asked, QueryBundle) else asked
        with self._lock:
            for _, recall in _recalled(nodes):
                self._questions[recall["allocation_id"]] = question
            while len(self._questions) > _MOST_QUESTIONS:
                self._questions.popitem(last=False)

    def _given(self, nodes: Iterable[NodeWithScore]) -> list[GivenMemory]:
        with self._lock:
            return [
                GivenMemory(
                    **recall,
                    query=self._questions.get(recall["allocation_id"]),
                    memory_id=memory_id,
                )
                for memory_id, recall in _recalled(nodes)
            ]


def _recalled(nodes: Iterable[NodeWithScore]) -> list[tuple[str, dict[str, str]]]:
    """Ids of the memories among nodes, each with the recall that found it."""
    found = ((one.node.node_id, one.node.metadata.get(RECALL_KEY)) for one in nodes)
    return [(memory_id, recall) for memory_id, recall in found if isinstance(recall, dict)]
