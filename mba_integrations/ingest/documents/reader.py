"""Read one file into a document, or say why not.

Plain text is read here, in time linear in its length; everything else in a process of its own. A
file that is refused is no error: what reads a folder goes on with the next one.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from mba_integrations.core.arguments import checked_path, checked_text, checked_whole
from mba_integrations.core.errors import InputError
from mba_integrations.ingest.chunking import MAX_CHARS, with_line_feeds
from mba_integrations.ingest.documents.cutting import chunks_of
from mba_integrations.ingest.documents.model import Chunk, Document, Refusal
from mba_integrations.ingest.formats.apart import ReadingProcess
from mba_integrations.ingest.formats.encoding import text_of
from mba_integrations.ingest.formats.kinds import Kind, format_of_name, kind_of
from mba_integrations.ingest.formats.limits import Limits
from mba_integrations.ingest.formats.parts import FileText, Part
from mba_integrations.ingest.formats.refusing import (
    RefusalReason,
    UnreadableError,
    check_count,
)
from mba_integrations.ingest.opening import FileTooLargeError, UnsuitableFileError, read_below

MAX_TEXT_BYTES = 1_000_000
_PLAIN = frozenset({Kind.MARKDOWN, Kind.TEXT, Kind.CODE})


class DocumentReader:
    """Reads files one after the other; close it, or use it in a `with` statement.

    What a service that keeps documents needs of a file comes in two steps, so that it can compare
    the bytes with those it has before they are read: `load`, then `parse`. `read` does both. Safe
    to share between threads.

    Args:
        max_chars: Longest piece, >= 1.
        max_text_bytes: Plain text above it is refused.
        limits: What a file of another format may take.

    Raises:
        InputError: If an argument is unusable.

    >>> with DocumentReader() as reader:
    ...     document = reader.parse(b"# Pins\\n\\nAlways kept.", "notes.md")
    >>> document.title, document.chunks[0].place
    ('Pins', {'lines': [1, 3], 'headings': ['Pins']})
    """

    def __init__(
        self,
        *,
        max_chars: int = MAX_CHARS,
        max_text_bytes: int = MAX_TEXT_BYTES,
        limits: Limits | None = None,
    ) -> None:
        self._max_chars = checked_whole("max_chars", max_chars, at_least=1)
        self._max_text_bytes = checked_whole("max_text_bytes", max_text_bytes)
        if not (limits is None or isinstance(limits, Limits)):
            raise InputError(f"limits must be Limits, got {type(limits).__name__}.")
        self._limits = limits or Limits()
        self._apart = ReadingProcess(self._limits)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process that reads files of other formats, if there is one."""
        self._apart.close()

    def read(self, folder: str | Path, path: str) -> Document | Refusal:
        """The file at *path* below *folder*; a symbolic link on the way is not followed."""
        data = self.load(folder, path)
        return data if isinstance(data, Refusal) else self.parse(data, path)

    def load(self, folder: str | Path, path: str) -> bytes | Refusal:
        """The bytes of a file; of one over its limit none are read."""
        root = checked_path("folder", folder)
        is_plain = format_of_name(checked_text("path", path)) is None
        most = self._max_text_bytes if is_plain else int(self._limits.file_bytes)
        try:
            return read_below(root, path, max_bytes=most)
        except FileTooLargeError as error:
            return _refusal(path, RefusalReason.TOO_LARGE, error, error.detail)
        except UnsuitableFileError as error:
            return _refusal(path, RefusalReason.NOT_A_FILE, error)
        except (OSError, ValueError) as error:  # a path with a NUL is a ValueError
            why = getattr(error, "strerror", None) or str(error)
            return _refusal(path, RefusalReason.CANNOT_BE_READ, "cannot be read", why)

    def parse(self, data: bytes, path: str) -> Document | Refusal:
        """The document that the bytes of a file make.

        Args:
            data: All of it.
            path: Its name, which tells Markdown from code from other text.
        """
        if not isinstance(data, bytes):
            raise InputError(f"data must be bytes, got {type(data).__name__}.")
        try:
            found = self._text(data, checked_text("path", path))
        except UnreadableError as error:
            return _refusal(path, error.reason, error, error.detail)
        found_chunks = tuple(chunks_of(found, path, self._max_chars))
        title = found.title or _first_heading(found.kind, found_chunks)
        return Document(path=path, kind=found.kind, title=title, chunks=found_chunks)

    def _text(self, data: bytes, path: str) -> FileText:
        kind = kind_of(data, path)
        if kind not in _PLAIN:
            return self._apart.read(data, path)
        check_count(len(data), self._max_text_bytes, "bytes")
        text = with_line_feeds(text_of(data))
        part = Part(text=text, is_markdown=kind is Kind.MARKDOWN, counts="lines")
        return FileText(kind=kind, parts=(part,))


def _refusal(path: str, reason: RefusalReason, said: object, detail: str = "") -> Refusal:
    return Refusal(path=path, reason=reason, message=str(said), detail=detail)


def _first_heading(kind: Kind, found: tuple[Chunk, ...]) -> str | None:
    """What a file is called that says nothing of its title.

    Not the name of a sheet; nor a bookmark, since those of a PDF begin with its covers.
    """
    if kind in (Kind.SHEETS, Kind.PDF):
        return None
    return next((chunk.place["headings"][0] for chunk in found if "headings" in chunk.place), None)
