"""`Once`: a request whose act and answer are one transaction, so that it is never done twice.

    forget, named "7f3c"            -> memories forgotten, answer kept, one transaction
    killed before the reply is sent
    forget, named "7f3c", again     -> nothing is done; the answer that was kept

An answer that is kept after its act is missing if the process ends between the two, and the act is
done again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from mba_integrations.services.store.rows.jobs import Answer
from mba_integrations.services.store.scopes import Writing, WritingAll
from mba_integrations.services.store.statements import answers, deletions

Result = TypeVar("Result")


class AnsweredBeforeError(Exception):
    """The request was done before, and nothing is done now.

    Attributes:
        answer: What it was answered.
    """

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__("the request was answered before")
        self.answer = answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """A request of a skin.

    Attributes:
        name: By which it is known when it comes again; of one caller.
        digest: Of what it asks: the name of another request is refused.
        written: The answer to be kept, from what the act gives.
    """

    name: str
    digest: str
    written: Callable[[Any], Mapping[str, Any]]


def done_once(once: Once | None, act: Callable[[Writing], Result]) -> Callable[[Writing], Result]:
    """The act with its answer; as it is where no request has a name.

    Raises, in the transaction:
        AnsweredBeforeError: If it was done before.
        IdempotencyConflictError: If the name came with another request.
    """
    if once is None:
        return act

    def acted(writing: Writing) -> Result:
        _check_new(answers.find(writing, once.name, once.digest), writing.at)
        result = act(writing)
        answers.keep(writing, once.name, once.digest, once.written(result))
        return result

    return acted


def deleted_once(
    once: Once | None, workspace_id: str, delete: Callable[[Writing], Result]
) -> Callable[[WritingAll], Result]:
    """The deletion of a workspace, as `done_once`, with an answer that outlives the workspace."""

    def acted(writing: WritingAll) -> Result:
        if once is None:
            return delete(writing.within(workspace_id))
        _check_new(deletions.find(writing, once.name, once.digest), writing.at)
        result = delete(writing.within(workspace_id))
        deletions.keep(writing, once.name, once.digest, once.written(result))
        return result

    return acted


def _check_new(known: Answer | None, now: datetime) -> None:
    if known is not None and known.expires_at > now:
        raise AnsweredBeforeError(known.response)
