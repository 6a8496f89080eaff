"""`explain`: why memories came in or stayed out, and what more tokens would add.

A recall of late is known whole. An earlier one, and one of before a restart, is told from the
workspace's log: what came in and the best of what stayed out, with reasons and scores; what more
tokens would add where the log has the question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mba_integrations.core.errors import InputError
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.core.result.candidates import Omitted, Selected
from mba_integrations.services.access.principal import Scope
from mba_integrations.services.mcp.definitions import LAST
from mba_integrations.services.mcp.tools.caller import Caller
from mba_integrations.services.mcp.tools.recall import RecentRecalls
from mba_integrations.services.mcp.tools.reply import Reply
from mba_integrations.services.memory.errors import UnknownAllocationError
from mba_integrations.services.memory.recalling.reply import RecallReply
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.rows.allocations import AllocationItem, AllocationRow
from mba_integrations.services.store.rows.memories import MemoryFilter

_MOST_ROWS = 20
_MORE_TOKENS = 200
_SHOWN_CHARACTERS = 80
_NOT_LOGGED = (
    f"What {_MORE_TOKENS} more tokens would add is not in the log. Call recall again, then explain."
)


def explain(
    service: MemoryService, recent: RecentRecalls, caller: Caller, arguments: Mapping[str, Any]
) -> Reply:
    """Why memories came in or stayed out, and what more tokens would add.

    Raises:
        InputError: If the workspace has no such recall in its log, or it did not weigh that memory.
    """
    caller.check(Scope.READ)
    asked = arguments.get("allocation_id") or LAST
    item_id = arguments.get("item_id") or None
    reply = recent.find(caller, asked)
    if reply is not None:
        text, allocation_id = _whole(service, caller, reply, item_id), reply.allocation_id
    else:
        row = logged(service, caller.workspace_id, asked)
        text, allocation_id = _from_log(service, caller, row, item_id), row.allocation_id
    return Reply(text=text, receipt={"allocation_id": allocation_id})


def logged(
    service: MemoryService, workspace_id: str, allocation_id: str, *, session_id: str | None = None
) -> AllocationRow:
    """The log's row of an id, or the last one of a workspace, or of a session in it.

    Raises:
        InputError: If there is none; another workspace's is not found.
    """
    if allocation_id == LAST:
        rows = service.allocations.list(workspace_id, session_id=session_id, limit=1).rows
        allocation_id = rows[0].allocation_id if rows else LAST
    try:
        return service.allocations.get(workspace_id, allocation_id)
    except UnknownAllocationError:
        raise InputError(
            f"no recall {allocation_id!r} is known any more. Call recall again."
        ) from None


def _whole(service: MemoryService, caller: Caller, reply: RecallReply, item_id: str | None) -> str:
    decided = [reply.allocation.decision(item_id)] if item_id else _weightiest(reply.allocation)
    entering = () if item_id else _entering(reply.allocation)
    wanted = [one.item.id for one in decided] + list(entering)
    texts = _texts(service, caller.workspace_id, wanted)
    lines = [_head(reply), *(_line(one, texts) for one in decided)]
    if not item_id:
        lines.append(_more(entering, texts))
    return "\n".join(lines)


def _from_log(
    service: MemoryService, caller: Caller, row: AllocationRow, item_id: str | None
) -> str:
    items = [one for one in row.items if item_id in (None, one.memory_id)]
    if item_id and not items:
        raise InputError(
            f"the log of recall {row.allocation_id!r} has nothing on {item_id!r}: it keeps what "
            "came in and the best of what stayed out. Call recall again, then explain."
        )
    entering = None if item_id else _entering_logged(service, caller.workspace_id, row)
    shown = [one for chosen in (True, False) for one in items if one.selected is chosen]
    wanted = [one.memory_id for one in shown] + list(entering or ())
    texts = _texts(service, caller.workspace_id, wanted)
    lines = [_logged_head(row), *(_logged_line(one, texts) for one in _shortest(shown))]
    if not item_id:
        lines.append(_NOT_LOGGED if entering is None else _more(entering, texts))
    return "\n".join(lines)


def _shortest(items: Sequence[AllocationItem]) -> list[AllocationItem]:
    came_in = [one for one in items if one.selected]
    return [*came_in[:_MOST_ROWS], *[one for one in items if not one.selected][:_MOST_ROWS]]


def _entering_logged(
    service: MemoryService, workspace_id: str, row: AllocationRow
) -> tuple[str, ...] | None:
    """What more tokens would add, by the memories of then; None if the question is not known."""
    try:
        again = service.allocations.replay(workspace_id, row.allocation_id)
    except InputError:
        return None
    return _entering(again)


def _weightiest(allocation: Allocation) -> list[Selected | Omitted]:
    """What came in, then the best of what stayed out."""
    best = sorted(allocation.omitted, key=lambda one: -one.score)
    return [*allocation.selected[:_MOST_ROWS], *best[:_MOST_ROWS]]


def _entering(allocation: Allocation) -> tuple[str, ...]:
    budget = allocation.budget_tokens + _MORE_TOKENS
    return allocation.budget_curve([budget])[0].entering[:_MOST_ROWS]


def _texts(service: MemoryService, workspace_id: str, ids: list[str]) -> dict[str, str]:
    """Texts as they are now: a reply that is kept may hold what was erased since."""
    if not ids:
        return {}
    wanted = MemoryFilter(memory_ids=frozenset(ids), states=None)
    rows = service.list(workspace_id, wanted, limit=len(set(ids))).rows
    return {row.memory_id: shortened(row.content) for row in rows}


def shortened(text: str) -> str:
    """The beginning of a text in one line."""
    line = " ".join(text.split())
    whole = len(line) <= _SHOWN_CHARACTERS
    return line if whole else f"{line[: _SHOWN_CHARACTERS - 1]}…"


def _head(reply: RecallReply) -> str:
    counts = ", ".join(
        f"{count:,} {reason.value}" for reason, count in reply.omitted_by_reason.items()
    )
    apart = ", ".join(
        f"{count:,} {name}" for name, count in reply.not_considered.to_dict().items() if count
    )
    return (
        f"{len(reply.selected):,} came in with {reply.used_tokens:,} of {reply.budget_tokens:,} "
        f"tokens; stayed out: {counts or 'none'}; not considered: {apart or 'none'}."
    )


def _logged_head(row: AllocationRow) -> str:
    record = row.record
    counts = ", ".join(
        f"{count:,} {reason}" for reason, count in record["omission_reasons"].items()
    )
    return (
        f"{record['selected_count']:,} came in with {record['used_tokens']:,} of "
        f"{record['budget_tokens']:,} tokens; stayed out: {counts or 'none'}. "
        f"From the log, of {row.at:%Y-%m-%d %H:%M} UTC."
    )


def _logged_line(one: AllocationItem, texts: Mapping[str, str]) -> str:
    outcome = "in" if one.selected else f"out, {one.reason}"
    tokens = "" if one.tokens is None else f" {one.tokens:,} tokens;"
    score = "unknown" if one.score is None else f"{one.score:.2f}"
    text = texts.get(one.memory_id, "(gone)")
    return f"- {one.memory_id} [{outcome};{tokens} score {score}] {text}"


def _line(one: Selected | Omitted, texts: Mapping[str, str]) -> str:
    why = "; ".join(map(str, one.signals)) or "no match"
    outcome = "in" if isinstance(one, Selected) else f"out, {one.detail.rstrip('.')}"
    text = texts.get(one.item.id, "(gone)")
    return f"- {one.item.id} [{outcome}; {one.tokens:,} tokens; {why}] {text}"


def _more(entering: tuple[str, ...], texts: Mapping[str, str]) -> str:
    if not entering:
        return f"{_MORE_TOKENS} more tokens would add nothing."
    named = "; ".join(f"{one} {texts.get(one, '(gone)')}" for one in entering)
    return f"{_MORE_TOKENS} more tokens would add: {named}"
