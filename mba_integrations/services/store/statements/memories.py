"""Add memories and change them: each act writes the rows, and one change for each row.

An act on several memories is done to all of them or, with an error, to none. Other writers of the
workspace wait from its first step to the end of the transaction, so what it has looked up holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from mba_integrations.core.arguments import checked_member
from mba_integrations.core.errors import DuplicateItemError, InputError
from mba_integrations.core.model import MemoryTier
from mba_integrations.core.search.words.written_terms import written_terms
from mba_integrations.services.store.dialect import among
from mba_integrations.services.store.documents import WrittenDocument
from mba_integrations.services.store.errors import MemoryExistsError
from mba_integrations.services.store.rows.changes import ChangeOp
from mba_integrations.services.store.rows.memories import MemoryRow, MemoryState
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import finding
from mba_integrations.services.store.statements.changes import record_additions, record_changes
from mba_integrations.services.store.statements.prefetch import parts
from mba_integrations.services.store.statements.records import (
    ReadyRows,
    checked_row,
    columns_of,
    hash_of,
    ready_rows,
)
from mba_integrations.services.store.tables.memories import (
    memory,
    memory_tag,
    memory_vector,
    memory_version,
)


def add(
    writing: Writing, rows: Sequence[MemoryRow], *, reason: str | None = None
) -> tuple[MemoryRow, ...]:
    """Add memories; gives them as they are stored, in order.

    A text that is there under another id is added again: `finding.repeated` tells.

    Raises:
        UnknownWorkspaceError: If there is no such workspace.
        MemoryExistsError: If an id is there, in any state.
        InputError: If two rows share an id, or a row is unusable.
    """
    seqs = add_ready(writing, ready_rows(rows), reason=reason)
    return _stored(writing, rows, seqs)


def add_ready(writing: Writing, new: ReadyRows, *, reason: str | None = None) -> range:
    """Add memories that were made ready before; gives their places in the sequence of changes.

    Raises:
        UnknownWorkspaceError: If there is no such workspace.
        MemoryExistsError: If an id is there, in any state.
        InputError: If two share an id.
    """
    return _insert(writing, new, [None] * len(new), reason)


def supersede(
    writing: Writing, successors: Mapping[str, MemoryRow], *, reason: str | None = None
) -> tuple[MemoryRow, ...]:
    """Put new memories in the place of old ones, by the old ids; gives them as they are stored.

    An old one keeps its row, as superseded, with `superseded_by`.

    Raises:
        UnknownMemoryError: If an old id is not known.
        MemoryExistsError: If a new id is there.
        InputError: If an old memory is not active, or a row is unusable.
    """
    ready = ready_rows(list(successors.values()))
    writing.hold()
    old = finding.known(writing, list(successors))
    for row in old:
        if row.state is not MemoryState.ACTIVE:
            raise InputError(
                f"memory {row.memory_id!r} is {row.state}; only an active one is revised."
            )
    gone = [
        replace(row, state=MemoryState.SUPERSEDED, superseded_by=other)
        for row, other in zip(old, ready.ids, strict=True)
    ]
    seqs = _insert(writing, ready, [row.memory_id for row in old], reason)
    _save(writing, ChangeOp.SUPERSEDE, old, gone, reasons=[reason] * len(old))
    return _stored(writing, list(successors.values()), seqs)


def rewrite(
    writing: Writing,
    rows: Sequence[MemoryRow],
    *,
    keep_versions: bool = False,
    reason: str | None = None,
) -> tuple[MemoryRow, ...]:
    """Give memories another text, and all that `update` changes, under their ids.

    Vectors of the old text go. A memory that is not active becomes active.

    Args:
        writing: The scope.
        rows: What they are to be; their tier stays as it is.
        keep_versions: Whether the old texts can be read later, with `history.versions`.
        reason: Why, for the feed.

    Raises:
        UnknownMemoryError: If an id is not known.
        InputError: If a row is unusable.
    """
    restore(writing, [row.memory_id for row in rows], reason=reason)
    old, new = _before_and_after(writing, rows)
    written = [
        replace(after, content=row.content, content_hash=hash_of(row.content))
        for after, row in zip(new, rows, strict=True)
    ]
    parts.drop_covering(writing, [row.added_seq for row in old])
    saved = _save(writing, ChangeOp.REWRITE, old, written, reasons=[reason] * len(old))
    _replace_tags(writing, saved)
    changed = [row.memory_id for row in saved]
    writing.update_each(
        memory, "memory_id", [{"memory_id": row.memory_id, **_cut(row)} for row in saved]
    )
    gone = writing.delete(memory_vector).where(among(memory_vector.c.memory_id, changed))
    writing.execute(gone)
    if keep_versions:
        writing.insert(
            memory_version, [_version(writing, *pair) for pair in zip(old, saved, strict=True)]
        )
    return saved


def update(
    writing: Writing,
    rows: Sequence[MemoryRow],
    *,
    reason: str | None = None,
    review_id: str | None = None,
) -> tuple[MemoryRow, ...]:
    """Change all of memories but text, tier and state; tags are replaced.

    Raises:
        UnknownMemoryError: If an id is not known.
        InputError: If a row is unusable.
    """
    old, new = _before_and_after(writing, rows)
    reasons = [reason] * len(old)
    saved = _save(writing, ChangeOp.UPDATE, old, new, reasons=reasons, review_id=review_id)
    _replace_tags(writing, saved)
    return saved


def move(
    writing: Writing,
    tiers: Mapping[str, MemoryTier],
    *,
    reasons: Mapping[str, str] | None = None,
    review_id: str | None = None,
) -> tuple[MemoryRow, ...]:
    """Move memories to other tiers, by their ids; those that are there already are left out.

    Args:
        writing: The scope.
        tiers: Where each goes.
        reasons: Why each goes, for the feed.
        review_id: The review that moves them.

    Raises:
        UnknownMemoryError: If an id is not known.
    """
    wanted = {one: checked_member("tier", tier, MemoryTier) for one, tier in tiers.items()}
    writing.hold()
    old = [
        row for row in finding.known(writing, list(wanted)) if row.tier is not wanted[row.memory_id]
    ]
    new = [replace(row, tier=wanted[row.memory_id], tier_since=writing.at) for row in old]
    why = [(reasons or {}).get(row.memory_id) for row in old]
    return _save(writing, ChangeOp.MOVE, old, new, reasons=why, review_id=review_id)


def forget(
    writing: Writing,
    memory_ids: Iterable[str],
    *,
    expired: bool = False,
    reason: str | None = None,
) -> tuple[MemoryRow, ...]:
    """Forget memories: they are not recalled, and go with the next pruning.

    Those that are not active stay as they are and are not among what is given back.

    Args:
        writing: The scope.
        memory_ids: Which ones.
        expired: Whether they expired, rather than that somebody forgot them.
        reason: Why, for the feed.

    Raises:
        UnknownMemoryError: If an id is not known.
    """
    writing.hold()
    found = finding.known(writing, list(dict.fromkeys(memory_ids)))
    old = [row for row in found if row.state is MemoryState.ACTIVE]
    new = [replace(row, state=MemoryState.FORGOTTEN) for row in old]
    op = ChangeOp.EXPIRE if expired else ChangeOp.FORGET
    return _save(writing, op, old, new, reasons=[reason] * len(old))


def restore(
    writing: Writing, memory_ids: Iterable[str], *, reason: str | None = None
) -> tuple[MemoryRow, ...]:
    """Make forgotten or superseded memories active again, as long as they were not pruned.

    Those that are active already are not among what is given back.

    Raises:
        UnknownMemoryError: If an id is not known.
    """
    writing.hold()
    found = finding.known(writing, list(dict.fromkeys(memory_ids)))
    old = [row for row in found if row.state is not MemoryState.ACTIVE]
    new = [replace(row, state=MemoryState.ACTIVE, superseded_by=None) for row in old]
    parts.drop_covering(writing, [row.added_seq for row in old])
    return _save(writing, ChangeOp.RESTORE, old, new, reasons=[reason] * len(old))


def _insert(
    writing: Writing, new: ReadyRows, places: Sequence[str | None], reason: str | None
) -> range:
    """Insert memories, each in the place of another one or of none."""
    _check_distinct(new.ids)
    count, seqs = len(new), writing.next_changes(len(new))
    if not count:
        return seqs
    columns = {
        **new.columns,
        "metadata": list(map(WrittenDocument, new.columns["metadata"])),
        "tier_since": [since or writing.at for since in new.columns["tier_since"]],
        "state": [MemoryState.ACTIVE] * count,
        "superseded_by": [None] * count,
        "stored_at": [writing.at] * count,
        "added_seq": seqs,
        "change_seq": seqs,
    }
    if writing.insert_columns(memory, columns, count, skip_known=True) < count:
        _refuse_known(writing, new.ids, seqs)
    record_additions(writing, new, seqs=seqs, related=places, reason=reason)
    _insert_tags(writing, zip(new.ids, new.tags, strict=True))
    return seqs


def _check_distinct(wanted: Sequence[str]) -> None:
    if len(set(wanted)) < len(wanted):
        twice = next(one for place, one in enumerate(wanted) if one in wanted[:place])
        raise DuplicateItemError(f"memory id {twice!r} occurs more than once.", item_id=twice)


def _refuse_known(writing: Writing, wanted: Sequence[str], seqs: range) -> NoReturn:
    """Say which memories were not inserted, and take back those that were."""
    ours = memory.c.added_seq.between(seqs.start, seqs.stop - 1)
    inserted = set(
        writing.execute(writing.select(memory, memory.c.memory_id).where(ours)).scalars()
    )
    writing.execute(writing.delete(memory).where(ours))
    taken = [one for one in wanted if one not in inserted]
    more = f" and {len(taken) - 1:,} more" if len(taken) > 1 else ""
    raise MemoryExistsError(
        f"workspace {writing.workspace_id!r} has a memory {taken[0]!r} already{more}.", taken
    )


def _stored(writing: Writing, rows: Sequence[MemoryRow], seqs: range) -> tuple[MemoryRow, ...]:
    """Rows that were added, as they are stored."""
    return tuple(
        replace(
            row,
            tier=MemoryTier(row.tier),
            tags=tuple(sorted(set(row.tags))),
            state=MemoryState.ACTIVE,
            superseded_by=None,
            tier_since=row.tier_since or writing.at,
            stored_at=writing.at,
            content_hash=hash_of(row.content),
            added_seq=seq,
            change_seq=seq,
        )
        for row, seq in zip(rows, seqs, strict=True)
    )


def _cut(row: MemoryRow) -> dict[str, Any]:
    """What is worked out of a text once, for the pools that it comes into."""
    return {"terms": written_terms(row.content)}


def _kept_columns(row: MemoryRow) -> dict[str, Any]:
    """What the acts of this module change besides the free columns."""
    return {
        "content": row.content,
        "content_hash": row.content_hash,
        "tier": row.tier,
        "tier_since": row.tier_since,
        "state": row.state,
        "superseded_by": row.superseded_by,
        "change_seq": row.change_seq,
    }


def _before_and_after(
    writing: Writing, rows: Sequence[MemoryRow]
) -> tuple[list[MemoryRow], list[MemoryRow]]:
    """Memories as they are, and as they are to be but for text, tier and state."""
    for row in rows:
        checked_row(row)
    writing.hold()
    old = finding.known(writing, [row.memory_id for row in rows])
    kept = (
        *("content", "content_hash", "tier", "tier_since", "state", "superseded_by"),
        *("stored_at", "added_seq"),
    )
    new = [
        replace(
            row,
            tags=tuple(sorted(set(row.tags))),
            **{name: getattr(before, name) for name in kept},
        )
        for row, before in zip(rows, old, strict=True)
    ]
    return old, new


def _save(
    writing: Writing,
    op: ChangeOp,
    old: Sequence[MemoryRow],
    new: Sequence[MemoryRow],
    *,
    reasons: Sequence[str | None],
    review_id: str | None = None,
) -> tuple[MemoryRow, ...]:
    """Write what became of memories, and the changes that made it; gives the new rows."""
    if not new:
        return ()
    pairs = list(zip(old, new, strict=True))
    related = [row.superseded_by for row in new]
    seqs = record_changes(writing, op, pairs, related=related, reasons=reasons, review_id=review_id)
    saved = [replace(row, change_seq=seq) for row, seq in zip(new, seqs, strict=True)]
    rows = [{**columns_of(row), **_kept_columns(row), "memory_id": row.memory_id} for row in saved]
    writing.update_each(memory, "memory_id", rows)
    return tuple(saved)


def _replace_tags(writing: Writing, rows: Sequence[MemoryRow]) -> None:
    changed = [row.memory_id for row in rows]
    writing.execute(writing.delete(memory_tag).where(among(memory_tag.c.memory_id, changed)))
    _insert_tags(writing, [(row.memory_id, row.tags) for row in rows])


def _insert_tags(writing: Writing, of_each: Iterable[tuple[str, Sequence[str]]]) -> None:
    tags = [{"memory_id": name, "tag": tag} for name, own in of_each for tag in own]
    writing.insert(memory_tag, tags)


def _version(writing: Writing, before: MemoryRow, after: MemoryRow) -> dict[str, Any]:
    return {
        "memory_id": before.memory_id,
        "change_seq": after.change_seq,
        "content": before.content,
        "replaced_at": writing.at,
    }
