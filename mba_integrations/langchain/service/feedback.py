"""`MemoryFeedbackHandler`: reads the answer of a run, and tells the service what it used.

A run is what the handler was given to: a chain, an agent, a graph. When it ends, the last text that
a model wrote in it is its answer, and the documents of `MemoryServiceRetriever`s in it are what the
model was given.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from langchain_core.tracers.base import BaseTracer
from langchain_core.tracers.schemas import Run

from mba_integrations.langchain.documents.items import METADATA_KEY
from mba_integrations.langchain.settings import Setting, keep
from mba_integrations.services.memory.feedback.answered import (
    AnswerReporter,
    Citations,
    GivenMemory,
)

if TYPE_CHECKING:
    from mba_integrations.services.memory.service import MemoryService


class MemoryFeedbackHandler(BaseTracer):
    """A callback handler that reports what answers used of recalled memories.

    Give it to a call, `config={"callbacks": [handler]}`; one serves many calls at once. A run
    without an answer, or without documents of a `MemoryServiceRetriever`, reports nothing. What
    cannot be reported costs no answer: `problem` says why.

    Args:
        service: The service of the retrievers.
        citations: Reads the ids that an answer names, where the prompt asks for them.

    Raises:
        InputError: If *service* is none.
    """

    service = Setting["MemoryService"]()
    citations = Setting[Citations | None]()

    def __init__(self, service: MemoryService, *, citations: Citations | None = None) -> None:
        super().__init__()
        self._reporter = AnswerReporter(service, citations)
        keep(self, service=service, citations=citations)

    @property
    def problem(self) -> str | None:
        """Why the last report failed; None if it did not."""
        return self._reporter.problem

    def _persist_run(self, run: Run) -> None:
        """Report a run that has ended, with all that ran in it."""
        if run.error is not None:
            return
        runs = sorted(_runs(run), key=lambda one: one.end_time or one.start_time)
        answers = [
            text for one in runs if one.run_type in ("llm", "chat_model") if (text := _text(one))
        ]
        if answers:
            given = (memory for one in runs for memory in _given(one))
            self._reporter.report(answers[-1], given)


def _runs(run: Run) -> Iterator[Run]:
    yield run
    for child in run.child_runs:
        yield from _runs(child)


def _text(run: Run) -> str:
    """What a model wrote; empty where it called tools alone or failed."""
    generations: list[list[dict[str, Any]]] = (run.outputs or {}).get("generations") or [[]]
    return "".join(str(one.get("text") or "") for one in generations[0][:1])


def _given(run: Run) -> Iterator[GivenMemory]:
    if run.run_type != "retriever":
        return
    for document in (run.outputs or {}).get("documents", ()):
        decision = document.metadata.get(METADATA_KEY)
        if isinstance(decision, dict) and "allocation_id" in decision:
            yield GivenMemory(
                workspace_id=decision["workspace_id"],
                allocation_id=decision["allocation_id"],
                query=run.inputs["query"],
                memory_id=document.id,
            )
