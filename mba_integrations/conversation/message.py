"""`Message`: what is read of a chat message, and `Reader`, which an adapter gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.dialogue.roles import Role

Framework = TypeVar("Framework")
"""A chat message as a framework has it."""
Read_contra = TypeVar("Read_contra", contravariant=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Message:
    """A chat message; equal to itself only.

    Attributes:
        role: Who says it.
        text: What it says, as it is searched: of a result what the tool gave, of calls their names
            and arguments besides.
        tokens: What it costs with its framing.
        call_ids: Ids of the tool calls that it makes, "" for one whose id is not known.
        answers: Ids of the calls that it answers.
        id: What the framework calls it, for logs; None if it has no name.
        bare_tokens: Of a result: what it would cost with an empty text and nothing else in it. A
            result with another text costs that and the tokens of the text. None for a message that
            cannot be shortened.
    """

    role: Role
    text: str
    tokens: int
    call_ids: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    id: str | None = None
    bare_tokens: int | None = None


class Reader(Protocol[Read_contra]):
    """Reads a framework's messages. It does not decide which of them are sent.

    1. `read` is asked once for each message, as long as `marks` and the message stay as they are.
    2. `marks` is asked in every call for every message, so it should cost next to nothing.
    3. Nothing of a message is changed.
    """

    @property
    def counter(self) -> TokenCounter:
        """Counts the texts of shortened results as `read` counts those of messages."""

    def marks(self, messages: Sequence[Read_contra]) -> list[object]:
        """Of each message an object that is another one if what the message says was exchanged.

        Compared by identity first, then by equality: the content or the text itself serves.
        """

    def read(self, messages: Sequence[Read_contra]) -> list[Message]:
        """What is read of each message."""
