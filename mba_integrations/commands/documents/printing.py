"""Documents as lines, as a table, and what was refused by its reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from mba_integrations.commands.printing.memories import plain
from mba_integrations.commands.printing.output import note_all, remark
from mba_integrations.commands.printing.tables import titled_table
from mba_integrations.commands.printing.visible import in_one_line, one_line

if TYPE_CHECKING:
    from mba_integrations.services.rag.retrieving import Citation
    from mba_integrations.services.rag.syncing import RefusedDocument, SyncReply
    from mba_integrations.services.store.rows.documents import DocumentRow

_EXAMPLES = 3
_TITLE_CHARS = 60
_ID_CHARS = 80


def note_refused(refused: Iterable[RefusedDocument]) -> None:
    """A line for each reason: how many, and the first of them."""
    by_reason: dict[str, list[RefusedDocument]] = {}
    for one in refused:
        by_reason.setdefault(one.reason, []).append(one)
    note_all(_refused_line(reason, found) for reason, found in by_reason.items())


def _refused_line(reason: str, found: Sequence[RefusedDocument]) -> str:
    named = [_named(one) for one in found[:_EXAMPLES]]
    more = len(found) - len(named)
    rest = f" and {more:,} more" if more else ""
    return f"{len(found):,} refused, {reason}: {', '.join(named)}{rest}"


def _named(one: RefusedDocument) -> str:
    name = one_line(one.document_id, max_chars=_ID_CHARS)
    return f"{name} ({one.detail})" if one.detail else name


def remark_synced(reply: SyncReply) -> None:
    """What a sync did, or would do."""
    note_refused(reply.refused)
    if reply.dry_run and reply.removed:
        names = [one_line(one, max_chars=_ID_CHARS) for one in reply.removed[:_EXAMPLES]]
        note_all([f"would be removed, such as: {', '.join(names)}"])
    would = "nothing is written, there would be " if reply.dry_run else ""
    pieces = f" ({reply.added_pieces:,} pieces)" if reply.added_pieces else ""
    remark(
        "done",
        f"{would}{reply.created:,} new and {reply.replaced:,} changed{pieces}, "
        f"{reply.unchanged:,} unchanged, {len(reply.removed):,} removed, "
        f"{len(reply.refused):,} refused",
    )


def document_table(title: str, rows: Sequence[DocumentRow]) -> Table:
    """Documents, a line each."""
    table = titled_table(title)
    table.add_column("id", overflow="fold", min_width=12)
    for name in ("version", "pieces"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("put", no_wrap=True)
    table.add_column("title", no_wrap=True)
    for row in rows:
        put = row.replaced_at.date().isoformat() if row.replaced_at else ""
        title = one_line(row.title or "", max_chars=_TITLE_CHARS)
        cells = (in_one_line(row.document_id), f"{row.version:,}", f"{row.piece_count:,}", put)
        table.add_row(*map(Text, (*cells, title)))
    return table


def details(row: DocumentRow) -> list[tuple[str, str]]:
    """The fields of a document that say something, with their names."""
    told = {"id": row.document_id, **plain(row)}
    del told["document_id"]
    return [(name, str(value)) for name, value in told.items() if value not in (None, {})]


def remark_citations(citations: Iterable[Citation]) -> None:
    """Where the passages of a prompt stand, a line each, in its order."""
    for one in citations:
        known = dict.fromkeys(part for part in (one.text, one.document_id, one.uri) if part)
        remark("cited", in_one_line(", ".join(known)))
