"""A document with its pieces, and a file that is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mba_integrations.ingest.formats.kinds import Kind
from mba_integrations.ingest.formats.refusing import RefusalReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a document.

    Attributes:
        text: What it says; the parts of a section repeat its heading, those of a table its header.
        place: Where it stands, as metadata of an item; see `cited`.
    """

    text: str
    place: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file that was read.

    Attributes:
        path: Its name, as it was given.
        kind: Its format, by its content.
        title: What it calls itself; None if nothing.
        chunks: In the order of the file.
    """

    path: str
    kind: Kind
    title: str | None
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A file or folder that is left out.

    Attributes:
        path: Its name; bytes of it that are no UTF-8 are written as `\\\\xff`.
        reason: Why, for programs.
        message: Why, for people; the same for all files that share it.
        detail: What belongs to this one alone, such as its size; may be empty.
    """

    path: str
    reason: RefusalReason
    message: str
    detail: str = ""

    def __str__(self) -> str:
        said = f"{self.path}: {self.message}"
        return f"{said} ({self.detail})" if self.detail else said
