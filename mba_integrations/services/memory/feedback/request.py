"""`FeedbackRequest`: what is said of a past recall, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mba_integrations.core.arguments import checked_iterable, checked_member, checked_text, shown
from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.feedback.judging import Thumb
from mba_integrations.services.memory.new_memory import MOST_TEXT_BYTES
from mba_integrations.services.store.scopes import checked_id

MOST_NAMED = 1_000
"""Ids that one argument may name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackRequest:
    """What is said; see `MemoryService.feedback`."""

    cited: tuple[str, ...] | None
    answer: str | None
    query: str | None
    seen: tuple[str, ...] | None
    whole: Thumb | None
    thumbs: Mapping[str, Thumb]

    @property
    def reads_answer(self) -> bool:
        """Whether it says something of every memory that was in the prompt."""
        return self.answer is not None or bool(self.cited)


def checked_feedback(
    *,
    cited: Sequence[str] | None,
    answer: str | None,
    query: str | None,
    seen: Sequence[str] | None,
    thumb: Thumb | str | None,
    thumbs: Mapping[str, Thumb | str] | None,
) -> FeedbackRequest:
    """A request of what was given.

    Raises:
        InputError: Naming the argument that is wrong, or if nothing is said.
    """
    request = FeedbackRequest(
        cited=_ids("cited", cited),
        answer=None if answer is None else _checked_answer(answer),
        query=None if query is None else checked_text("query", query),
        seen=_ids("seen", seen),
        whole=None if thumb is None else checked_member("thumb", thumb, Thumb),
        thumbs=_thumbs(thumbs),
    )
    if request.cited is None and request.answer is None and not (request.whole or request.thumbs):
        raise InputError("the feedback says nothing. Give cited, answer, thumb or thumbs.")
    return request


def _ids(name: str, given: Sequence[str] | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    checked_iterable(name, given, "a list of ids")
    ids = tuple(dict.fromkeys(checked_id(f"one of {name}", one) for one in given))
    _check_many(name, len(ids))
    return ids


def _thumbs(given: Mapping[str, Thumb | str] | None) -> dict[str, Thumb]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InputError(f"thumbs must be a mapping of thumbs by memory ids, got {shown(given)}.")
    _check_many("thumbs", len(given))
    return {
        checked_id("one of thumbs", one): checked_member(f"thumb of {one!r}", thumb, Thumb)
        for one, thumb in given.items()
    }


def _check_many(name: str, count: int) -> None:
    if count > MOST_NAMED:
        raise InputError(f"{name} has {count:,} ids, at most {MOST_NAMED:,} are read at once.")


def _checked_answer(answer: str) -> str:
    size = len(checked_text("answer", answer).encode("utf-8", "surrogatepass"))
    if size > MOST_TEXT_BYTES:
        raise InputError(
            f"answer has {size:,} bytes, at most {MOST_TEXT_BYTES:,} are read. Give the part that "
            "answers."
        )
    return answer
