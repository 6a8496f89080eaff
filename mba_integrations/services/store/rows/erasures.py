"""What was erased: counts for the receipt, and hashes by which a restored backup is cleaned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ErasedKind(StrEnum):
    """By what memories are erased, and what the ledger keeps hashes of."""

    MEMORY = "memory"
    """A memory id."""
    SUBJECT = "subject"
    """The person that memories are about."""
    SOURCE = "source"
    """The conversation or document that they come from."""
    CONTENT = "content"
    """A text. Kept by the ledger, so that an import does not bring it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """A receipt.

    Attributes:
        erasure_id: Its id.
        at: When.
        actor: Who asked for it.
        counts: How many rows went, by table.
        freed: How the bytes were freed, in words; None where the receipt was looked up later.
    """

    erasure_id: str
    at: datetime
    actor: str | None
    counts: Mapping[str, int]
    freed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One thing that was erased, without saying what it was.

    Attributes:
        workspace_id: In which workspace.
        kind: What was hashed.
        digest: HMAC-SHA-256 of it with the store's own key, in hexadecimal.
        erased_at: What was stored up to this moment must not come back.
    """

    workspace_id: str
    kind: ErasedKind
    digest: str
    erased_at: datetime
