"""`recall` and `explain`: memories within a budget that holds for the whole reply, and why these.

The budget pays for the text and for the receipt. A receipt is known only after the choice, so room
for the largest usual one is set aside first:

    budget 500    text gets 404    text has 397, receipt 61    458 in all

Where a workspace counts by something under which receipts are longer, such as characters, the sum
is over the budget; then the choice is made again with as much room as that receipt needs.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from mba_integrations.core.arguments import checked_tokens
from mba_integrations.core.errors import InputError, PinnedOverBudgetError
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.core.result.candidates import Omitted, Selected
from mba_integrations.services.access.principal import Scope
from mba_integrations.services.mcp.definitions import (
    DEFAULT_BUDGET_TOKENS,
    LAST,
    LEAST_BUDGET_TOKENS,
    MOST_BUDGET_TOKENS,
    NOTHING,
)
from mba_integrations.services.mcp.tools.caller import Caller
from mba_integrations.services.mcp.tools.reply import Reply, written
from mba_integrations.services.memory.recalling.reply import RecallReply
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.rows.memories import MemoryFilter

_RECEIPT_TOKENS = 96
_MOST_KEPT = 8
_MOST_ROWS = 20
_MORE_TOKENS = 200
_SHOWN_CHARACTERS = 80


class RecentRecalls:
    """The last replies, which `explain` reads. Thread-safe; a restart forgets them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, str], RecallReply] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, caller: Caller, reply: RecallReply) -> None:
        """Keep a reply, and let the oldest one of all go."""
        with self._lock:
            self._kept[caller.workspace_id, caller.principal.key_id, reply.allocation_id] = reply
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)

    def find(self, caller: Caller, allocation_id: str) -> RecallReply:
        """The reply of an id, or the caller's last one.

        Raises:
            InputError: If it is not kept any more, or is somebody else's.
        """
        with self._lock:
            own = [
                reply
                for (workspace_id, name, _), reply in reversed(self._kept.items())
                if (workspace_id, name) == (caller.workspace_id, caller.principal.key_id)
            ]
        for reply in own:
            if allocation_id in (LAST, reply.allocation_id):
                return reply
        raise InputError(
            f"no recall {allocation_id!r} is known any more. Call recall again, then explain."
        )


def recall(
    service: MemoryService, recent: RecentRecalls, caller: Caller, arguments: Mapping[str, Any]
) -> Reply:
    """Memories that help with a question, within the budget.

    Raises:
        InputError: If an argument is unusable.
        PinnedOverBudgetError: If what must be in does not fit.
    """
    caller.check(Scope.READ)
    asked = arguments.get("budget_tokens", DEFAULT_BUDGET_TOKENS)
    if not LEAST_BUDGET_TOKENS <= checked_tokens("budget_tokens", asked) <= MOST_BUDGET_TOKENS:
        raise InputError(
            f"budget_tokens must be {LEAST_BUDGET_TOKENS} to {MOST_BUDGET_TOKENS:,}, got {asked:,}."
        )
    config = service.workspaces.config(caller.workspace_id)
    ceiling = min(asked, config.max_total_tokens - config.reserved_tokens)
    reply, answer = _fitting(service, caller, arguments, ceiling)
    recent.keep(caller, reply)
    return answer


def _fitting(
    service: MemoryService, caller: Caller, arguments: Mapping[str, Any], ceiling: int
) -> tuple[RecallReply, Reply]:
    """A recall whose text and receipt have at most so many tokens together."""
    room = min(_RECEIPT_TOKENS, ceiling - 1)
    while room < ceiling:
        reply = _recalled(service, caller, arguments, ceiling - room, ceiling)
        text = reply.prompt_text or NOTHING
        receipt = _receipt(reply, reply.count(text), ceiling)
        needed = reply.count(written(receipt))
        if reply.count(text) + needed <= ceiling:
            return reply, Reply(text=text, receipt=receipt)
        room = max(needed, room) + reply.count(NOTHING)
    raise InputError(
        f"budget_tokens is {ceiling:,}, an empty reply needs {room:,}. Raise budget_tokens."
    )


def _recalled(
    service: MemoryService,
    caller: Caller,
    arguments: Mapping[str, Any],
    text_tokens: int,
    ceiling: int,
) -> RecallReply:
    try:
        return service.recall(
            caller.workspace_id,
            arguments["query"],
            budget_tokens=text_tokens,
            session_id=arguments.get("session") or None,
            tiers=arguments.get("tiers") or None,
        )
    except PinnedOverBudgetError as error:
        needed = error.needed_tokens + ceiling - text_tokens
        raise PinnedOverBudgetError(
            f"pinned memories and the receipt need {needed:,} tokens, the budget is {ceiling:,}. "
            f"Call recall with budget_tokens={needed}.",
            needed_tokens=needed,
            budget_tokens=ceiling,
        ) from error


def _receipt(reply: RecallReply, used_tokens: int, budget_tokens: int) -> dict[str, Any]:
    return {
        "allocation_id": reply.allocation_id,
        "budget_tokens": budget_tokens,
        "used_tokens": used_tokens,
        "selected": len(reply.selected),
        "omitted": sum(reply.omitted_by_reason.values()),
        "change_seq": reply.change_seq,
    }


def explain(
    service: MemoryService, recent: RecentRecalls, caller: Caller, arguments: Mapping[str, Any]
) -> Reply:
    """Why memories came in or stayed out, and what more tokens would add.

    Raises:
        InputError: If the recall is not known any more, or did not weigh that memory.
    """
    caller.check(Scope.READ)
    reply = recent.find(caller, arguments.get("allocation_id") or LAST)
    item_id = arguments.get("item_id")
    decided = [reply.allocation.decision(item_id)] if item_id else _weightiest(reply.allocation)
    entering = () if item_id else _entering(reply)
    wanted = [one.item.id for one in decided] + list(entering)
    texts = _texts(service, caller.workspace_id, wanted)
    lines = [_head(reply), *(_line(one, texts) for one in decided)]
    if not item_id:
        lines.append(_more(entering, texts))
    return Reply(text="\n".join(lines), receipt={"allocation_id": reply.allocation_id})


def _weightiest(allocation: Allocation) -> list[Selected | Omitted]:
    """What came in, then the best of what stayed out."""
    best = sorted(allocation.omitted, key=lambda one: -one.score)
    return [*allocation.selected[:_MOST_ROWS], *best[:_MOST_ROWS]]


def _entering(reply: RecallReply) -> tuple[str, ...]:
    budget = reply.budget_tokens + _MORE_TOKENS
    return reply.allocation.budget_curve([budget])[0].entering[:_MOST_ROWS]


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
