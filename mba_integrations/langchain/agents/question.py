"""The question of a model call, for which memories are searched, and the thread it is asked in.

Memories are searched once for a question, as a tool loop asks the model again and again. They are
searched anew in every run: between two runs a memory may have been deleted, and the same question
may stand in the same place, as where a message is sent again under its id or other middleware
leaves the last messages only. Two calls are of one run if they have one `RunControl`, of which
LangGraph makes one for each run, sub-agents included.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from langchain.agents.middleware import ModelRequest

from mba_integrations.core.arguments import says_the_same
from mba_integrations.langchain.messages.reading import searched_question


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The last message of a model call in which a user says something.

    Attributes:
        text: What it says, with the exchange that it hangs on; empty without one.
        place: Where it stands.
        thread_id: The thread; None where nothing is kept of it.
        run: Stands for the run; None outside of one.
        context: What the application hands to the run.
    """

    text: str
    place: int
    thread_id: str | None = None
    run: object = field(default=None, compare=False)
    context: object = field(default=None, compare=False)

    def is_same(self, other: Question) -> bool:
        """Whether it is the same question in the same run, with the same context."""
        if self.thread_id is None or self.run is None or self.run is not other.run:
            return False
        return self == other and says_the_same(self.context, other.context)


def question_of(request: ModelRequest[Any]) -> Question:
    """The question of a call."""
    runtime = request.runtime
    place, text = searched_question(request.messages)
    if runtime is None:
        return Question(text=text, place=place)
    info = runtime.execution_info
    return Question(
        text=text,
        place=place,
        thread_id=None if info is None else info.thread_id,
        run=runtime.control,
        context=runtime.context,
    )


def thread_key(request: ModelRequest[Any]) -> tuple[str, ...]:
    """The thread and the graph in it; without a thread, the conversation by its first message."""
    info = request.runtime.execution_info if request.runtime is not None else None
    if info is None or info.thread_id is None:
        return (str(request.messages[0].id),) if request.messages else ()
    graphs = [part.partition(":")[0] for part in info.checkpoint_ns.split("|")[:-1]]
    return (info.thread_id, *graphs)
