"""The files of a folder as memory items, cut into pieces.

Files are taken in the order of their paths. What is left out (`documents.scanning`: hidden files,
links, other kinds; `documents.reader`: what cannot be read within its limits) the notes count.

Nothing outside of the folder is read and nothing in it is run (`opening`, `git_program`,
`formats.apart`).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mba_integrations.core.arguments import check_function, checked_text, checked_whole
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.ingest.chunking import MAX_CHARS
from mba_integrations.ingest.documents.model import Document, Refusal
from mba_integrations.ingest.documents.reader import MAX_TEXT_BYTES, DocumentReader
from mba_integrations.ingest.documents.scanning import FoundFile, scan_folder
from mba_integrations.ingest.formats.limits import Limits
from mba_integrations.ingest.formats.refusing import RefusalReason
from mba_integrations.ingest.reading import Ingested, Track, silently

MAX_FILES = 5_000
"""Keeps a run on a home folder from reading for hours; a note says when it is reached."""


def read_folder(
    folder: str | Path,
    *,
    tier_of: Callable[[str], MemoryTier | None] = lambda path: MemoryTier.RAG,
    max_chars: int = MAX_CHARS,
    max_file_bytes: int = MAX_TEXT_BYTES,
    max_files: int = MAX_FILES,
    limits: Limits | None = None,
    prefix: str | None = None,
    track: Track = silently,
) -> Ingested:
    """Pieces of the files in *folder*, files in path order, pieces in file order.

    An item's `source` is the path, its `position` the number of the piece, its id
    `path#position`, its `metadata` the place in the file (`documents.citing`).

    Args:
        folder: Where to look, subfolders included.
        tier_of: Tier of a file by its path below the folder; None leaves it out without a note.
        max_chars: Longest piece.
        max_file_bytes: Files of plain text above it are left out.
        max_files: Files after so many are left out.
        limits: What a file of another format may take.
        prefix: What stands before the paths in ids and sources; the folder as given by default.
        track: Goes through the paths and may show how far it is.

    Raises:
        InputError: If the folder is not one, or another argument is unusable.
    """
    check_function("tier_of", tier_of)
    check_function("track", track)
    max_files = checked_whole("max_files", max_files)
    reader = DocumentReader(
        max_chars=max_chars,
        max_text_bytes=checked_whole("max_file_bytes", max_file_bytes),
        limits=limits,
    )
    scan = scan_folder(folder, wanted=lambda path: tier_of(path) is not None)
    before = _before(Path(folder).as_posix() if prefix is None else checked_text("prefix", prefix))
    left_out = _LeftOut()
    left_out.add(*scan.refused, *map(_over_the_limit, scan.files[max_files:]))
    items: list[MemoryItem] = []
    with reader:
        for path in track([found.path for found in scan.files[:max_files]], f"Reading {folder}"):
            read = reader.read(folder, path)
            tier = tier_of(path)
            if isinstance(read, Refusal):
                left_out.add(read)
            elif tier is not None:
                items.extend(_items(read, f"{before}{path}", tier))
    said = (*scan.remarks, *left_out.notes())
    notes = tuple(f"{os.fspath(folder)}: {note}" for note in said)
    return Ingested(items=tuple(items), notes=notes)


def _before(prefix: str) -> str:
    """What stands before the paths in ids and sources: nothing for the folder one is in."""
    shown = prefix.removeprefix("./").rstrip("/")
    return "" if shown in ("", ".") else f"{shown}/"


def _items(document: Document, source: str, tier: MemoryTier) -> Iterator[MemoryItem]:
    for number, chunk in enumerate(document.chunks):
        yield MemoryItem(
            f"{source}#{number}",
            chunk.text,
            tier,
            source=source,
            position=float(number),
            metadata=chunk.place,
        )


def _over_the_limit(found: FoundFile) -> Refusal:
    return Refusal(
        path=found.path,
        reason=RefusalReason.TOO_MANY_FILES,
        message="over the limit of files",
    )


@dataclass(slots=True)
class _LeftOut:
    """Counts what is left out by its message, with the first of each as an example."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, Refusal] = field(default_factory=dict)

    def add(self, *refusals: Refusal) -> None:
        for refusal in refusals:
            self.counts[refusal.message] += 1
            self.examples.setdefault(refusal.message, refusal)

    def notes(self) -> Iterator[str]:
        for message, count in self.counts.items():
            example = self.examples[message]
            detail = f" ({example.detail})" if example.detail else ""
            yield f"{count:,} left out, {message}, such as {_on_one_line(example.path)}{detail}."


def _on_one_line(path: str) -> str:
    """A name as it is shown: it may hold line ends, and signs that move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in path)
