"""Errors of documents, beside those of the memory service."""

from __future__ import annotations

from mba_integrations.core.errors import InputError, MemoryBudgetError


class UnknownDocumentError(MemoryBudgetError, LookupError):
    """The workspace has no document of that id.

    Attributes:
        document_ids: Those that are not known.
    """

    def __init__(self, message: str, document_ids: tuple[str, ...]) -> None:
        super().__init__(message)
        self.document_ids = document_ids


class TooManyRemovedError(InputError):
    """A sync would remove more of what is there than it may without a word.

    Attributes:
        removed: How many documents it would remove.
        known: Of how many.
    """

    def __init__(self, message: str, *, removed: int, known: int) -> None:
        super().__init__(message)
        self.removed = removed
        self.known = known


class UnreadableFileError(InputError):
    """A file has no document that can be read.

    Attributes:
        reason: Why, for programs, such as `encrypted`.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason
