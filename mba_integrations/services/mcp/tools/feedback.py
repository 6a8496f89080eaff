"""`feedback`: what the answer to a recall used of its memories, said by the program around a model.

A program that has the receipt names the recall; an agent's hook has its session alone, and means
the last one of that. A recall of late is known with its question; of an earlier one the question
has to be said, unless the workspace logs texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mba_integrations.services.access.principal import Scope
from mba_integrations.services.mcp.definitions import LAST
from mba_integrations.services.mcp.tools.caller import Caller
from mba_integrations.services.mcp.tools.explain import logged
from mba_integrations.services.mcp.tools.recall import RecentRecalls
from mba_integrations.services.mcp.tools.reply import Reply
from mba_integrations.services.memory.service import MemoryService


def feedback(
    service: MemoryService, recent: RecentRecalls, caller: Caller, arguments: Mapping[str, Any]
) -> Reply:
    """Keep what is said of a recall; the answer itself is not kept.

    Raises:
        InputError: If there is no such recall, nothing is said, or the question is missing.
    """
    caller.check(Scope.WRITE)
    asked, session_id = arguments.get("allocation_id") or LAST, arguments.get("session") or None
    reply = recent.find(caller, asked, session_id=session_id)
    if reply is None:
        row = logged(service, caller.workspace_id, asked, session_id=session_id)
        allocation_id, query = row.allocation_id, arguments.get("query")
    else:
        allocation_id, query = reply.allocation_id, reply.allocation.query
    kept = service.feedback(
        caller.workspace_id,
        allocation_id,
        cited=arguments.get("cited"),
        answer=arguments.get("answer"),
        query=query,
        thumb=arguments.get("thumb"),
    )
    useful, useless = (sum(one.useful is said for one in kept.rows) for said in (True, False))
    unsaid = len(kept.rows) - useful - useless
    return Reply(
        text=f"Kept: {useful:,} useful, {useless:,} not, {unsaid:,} that nobody can tell.",
        receipt={"allocation_id": allocation_id, "useful": useful, "useless": useless},
    )
