"""Erase memories by id, subject or source: all that the tables know of them, with a receipt.

What goes: the memories with vectors, tags, earlier texts and uses; what the feed said of them;
items and feedback of the log; the whole text of log records, previous prompts and kept answers in
which they may stand. What stays: one change `erase` with the id, so that pools drop it, and hashes
in the ledger. The space is freed by `Store.scrub`, which comes after the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable

from mba_integrations.services.store.rows.erasures import ErasedKind, Erasure
from mba_integrations.services.store.scopes import Reading, Writing


def chosen(reading: Reading, kind: ErasedKind, values: Iterable[str]) -> tuple[str, ...]:
    """Ids of all memories that an erasure by these values is about, in any state."""
    raise NotImplementedError


def erase(writing: Writing, erasure_id: str, kind: ErasedKind, values: Iterable[str]) -> Erasure:
    """Erase memories by their ids, subjects or sources, and enter that in the ledger.

    Values without a memory are entered too, so that a backup in which they have some is cleaned.

    Args:
        writing: The scope.
        erasure_id: Id of the receipt.
        kind: What the values are: memory ids, subjects or sources.
        values: Which ones.

    Raises:
        UnknownWorkspaceError: If there is no such workspace.
    """
    raise NotImplementedError


def receipts(reading: Reading) -> tuple[Erasure, ...]:
    """Receipts of the workspace's erasures, the latest first."""
    raise NotImplementedError


def erase_again(writing: Writing) -> Erasure | None:
    """Erase what the ledger says must not be there, as after a restore; None if nothing is."""
    raise NotImplementedError
