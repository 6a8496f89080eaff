"""`recall`: memories within a budget that holds for the whole reply.

The budget pays for the text and for the receipt. A receipt is known only after the choice, so room
for the largest usual one is set aside first:

    budget 500    text gets 404    text has 397, receipt 61    458 in all

The service chooses again where that is not enough, as under a counter of characters.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from typing import Any

from mba_integrations.core.arguments import checked_tokens
from mba_integrations.core.errors import InputError
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
from mba_integrations.services.memory.tallies import Event

_RECEIPT_TOKENS = 96
_MOST_KEPT = 8


class RecentRecalls:
    """The last replies, of which `explain` tells most. Thread-safe; a restart forgets them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, str], RecallReply] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, caller: Caller, reply: RecallReply) -> None:
        """Keep a reply, and let the oldest one of all go."""
        with self._lock:
            self._kept[caller.workspace_id, caller.principal.key_id, reply.allocation_id] = reply
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)

    def find(
        self, caller: Caller, allocation_id: str, *, session_id: str | None = None
    ) -> RecallReply | None:
        """The reply of an id, or the caller's last one; None if the log alone may know it.

        Of a session only, where one is named.
        """
        with self._lock:
            own = [
                reply
                for (workspace_id, name, _), reply in reversed(self._kept.items())
                if (workspace_id, name) == (caller.workspace_id, caller.principal.key_id)
                and session_id in (None, reply.session_id)
            ]
        wanted = (reply for reply in own if allocation_id in (LAST, reply.allocation_id))
        return next(wanted, None)


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
    reply = service.recall(
        caller.workspace_id,
        arguments["query"],
        budget_tokens=ceiling,
        session_id=arguments.get("session") or None,
        tiers=arguments.get("tiers") or None,
        written=partial(_written, budget_tokens=ceiling),
        around_tokens=_RECEIPT_TOKENS,
    )
    recent.keep(caller, reply)
    text = reply.prompt_text or NOTHING
    used_tokens = reply.count(text)
    service.tallies.count(Event.REPLY_TOKENS, by=used_tokens)
    return Reply(text=text, receipt=_receipt(reply, used_tokens, ceiling))


def _written(reply: RecallReply, budget_tokens: int) -> tuple[str, ...]:
    """The text and the receipt, which a client gets apart."""
    text = reply.prompt_text or NOTHING
    return text, written(_receipt(reply, reply.count(text), budget_tokens))


def _receipt(reply: RecallReply, used_tokens: int, budget_tokens: int) -> dict[str, Any]:
    return {
        "allocation_id": reply.allocation_id,
        "budget_tokens": budget_tokens,
        "used_tokens": used_tokens,
        "selected": len(reply.selected),
        "omitted": sum(reply.omitted_by_reason.values()),
        "change_seq": reply.change_seq,
    }
