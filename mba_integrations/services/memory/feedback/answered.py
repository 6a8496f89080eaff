"""`AnswerReporter`: what frameworks' handlers do with an answer and the memories it was given.

It imports no database, since adapters import it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mba_integrations.core.arguments import shown
from mba_integrations.core.errors import InputError, MemoryBudgetError

if TYPE_CHECKING:
    from mba_integrations.services.memory.service import MemoryService

Citations = Callable[[str], Sequence[str]]
"""The ids that an answer names, from its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenMemory:
    """A memory that a model was given.

    Attributes:
        workspace_id: Of which workspace.
        allocation_id: Of which recall.
        query: What that was asked; None where it is not known.
        memory_id: Which memory.
    """

    workspace_id: str
    allocation_id: str
    query: str | None
    memory_id: str


class AnswerReporter:
    """Reports answers to a service. What cannot be reported costs no answer.

    Args:
        service: The service.
        citations: Reads the ids that an answer names; None where answers name none.

    Attributes:
        problem: Why the last report failed; None if it did not.

    Raises:
        InputError: If *service* is none.
    """

    def __init__(self, service: MemoryService, citations: Citations | None = None) -> None:
        if not callable(getattr(service, "feedback", None)):
            raise InputError(f"service must be a MemoryService, got {shown(service)}.")
        self._service = service
        self._citations = citations
        self.problem: str | None = None

    def report(self, answer: str, given: Iterable[GivenMemory]) -> None:
        """Say of each recall what the answer used of the memories that the model was given."""
        if not answer.strip():
            return
        recalls: dict[tuple[str, str], list[GivenMemory]] = {}
        for one in given:
            recalls.setdefault((one.workspace_id, one.allocation_id), []).append(one)
        cited = [] if self._citations is None else list(self._citations(answer))
        for (workspace_id, allocation_id), memories in recalls.items():
            try:
                self._service.feedback(
                    workspace_id,
                    allocation_id,
                    cited=cited,
                    answer=answer,
                    query=memories[0].query,
                    seen=list(dict.fromkeys(one.memory_id for one in memories)),
                )
                self.problem = None
            except MemoryBudgetError as error:
                self.problem = str(error)
