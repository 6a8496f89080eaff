"""Why a file is not read."""

from __future__ import annotations

from enum import StrEnum

from mba_integrations.core.errors import InputError


class RefusalReason(StrEnum):
    """Why a file or folder is left out."""

    HIDDEN = "hidden"
    DEPENDENCY = "dependency"
    LINK = "link"
    REPOSITORY = "repository"
    NAME = "name"
    """Its name is not UTF-8."""
    OTHER_KIND = "other_kind"
    TOO_MANY_FILES = "too_many_files"
    NOT_A_FILE = "not_a_file"
    CANNOT_BE_READ = "cannot_be_read"
    TOO_LARGE = "too_large"
    """Over a limit of bytes, pages, rows or characters."""
    BINARY = "binary"
    ENCRYPTED = "encrypted"
    BOMB = "bomb"
    """Says that it holds far more than it has bytes for."""
    BROKEN = "broken"
    NO_TEXT = "no_text"
    TOO_SLOW = "too_slow"
    TOO_MUCH_MEMORY = "too_much_memory"
    CRASHED = "crashed"
    """The process that read it ended."""
    MISSING_EXTRA = "missing_extra"


class UnreadableError(InputError):
    """A file is not read.

    Attributes:
        reason: Why, for programs.
        detail: What belongs to this file alone, such as its size; may be empty.
    """

    def __init__(self, reason: RefusalReason, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.detail = detail


def broken(what: str, error: BaseException | str = "") -> UnreadableError:
    """A file that is not what it seems to be."""
    said = " ".join(str(error).split())[:200]
    return UnreadableError(RefusalReason.BROKEN, f"not a readable {what}", detail=said)


def check_count(count: int, limit: int, things: str) -> None:
    """Refuse a file that has more than *limit* pages, rows or characters."""
    if count > limit:
        raise UnreadableError(
            RefusalReason.TOO_LARGE, f"over {limit:,} {things}", detail=f"{count:,}"
        )
