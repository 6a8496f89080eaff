"""The inputs named on the command line, read together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from mba_integrations.commands.printing.progress import tracked
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.ingest.folder import read_folder
from mba_integrations.ingest.json_lines import read_json_lines
from mba_integrations.ingest.messages import last_user_text, read_messages
from mba_integrations.ingest.reading import STANDARD_INPUT, Ingested


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    """What all inputs hold.

    Attributes:
        items: In the order of the inputs.
        notes: What was left out.
        last_question: The last message of a user; None if there is none.
    """

    items: tuple[MemoryItem, ...]
    notes: tuple[str, ...]
    last_question: str | None

    def asked(self, query: str | None) -> str:
        """The query given, else the last message of a user.

        Raises:
            typer.BadParameter: If there is neither.
        """
        asked = self.last_question if query is None else query
        if asked is None:
            raise typer.BadParameter("--query is needed: no message of a user to take it from")
        return asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Files and folders to choose from; `-` is standard input.

    Attributes:
        memories: Files of memory items as JSON.
        messages: Files of chat messages.
        folders: Folders of documents.
        pin_last_user: Whether the last message of the user must be in the prompt.
    """

    memories: Sequence[str] | None
    messages: Sequence[str] | None
    folders: Sequence[Path] | None
    pin_last_user: bool

    def read(self) -> Gathering:
        """Read them all.

        Raises:
            typer.BadParameter: If there is none, or standard input is named twice.
            InputError: If one is unusable, or they hold no items.
        """
        self._check()
        chats = [
            read_messages(path, pin_last_user=self.pin_last_user) for path in self.messages or ()
        ]
        read = (*self._memories(), *chats, *self._folders())
        items = tuple(item for one in read for item in one.items)
        if not items:
            raise InputError("the inputs hold no memory items.")
        questions = (last_user_text(chat.items) for chat in reversed(chats))
        return Gathering(
            items=items,
            notes=tuple(note for one in read for note in one.notes),
            last_question=next((text for text in questions if text is not None), None),
        )

    def _check(self) -> None:
        if not (self.memories or self.messages or self.folders):
            raise typer.BadParameter("give at least one of --memories, --messages, --folder")
        if [*(self.memories or ()), *(self.messages or ())].count(STANDARD_INPUT) > 1:
            raise typer.BadParameter("standard input (-) can be read once only")

    def _memories(self) -> Iterator[Ingested]:
        return (read_json_lines(path, track=tracked) for path in self.memories or ())

    def _folders(self) -> Iterator[Ingested]:
        return (read_folder(path, track=tracked) for path in self.folders or ())
