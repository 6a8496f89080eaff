"""What can be read by URI: the project's block, one memory, one recall, the policy."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from mba_integrations.core.errors import InputError
from mba_integrations.services.access.principal import Scope
from mba_integrations.services.mcp.tools.caller import Caller
from mba_integrations.services.mcp.tools.explain import explain
from mba_integrations.services.mcp.tools.recall import RecentRecalls
from mba_integrations.services.memory.service import MemoryService

_SCHEME = "mba://"
_BLOCK_SESSION = "mcp-prompt"
_BLOCK_TOKENS = 1_500
_BLOCK_TTL_MS = 60_000


class NoResourceError(InputError):
    """There is nothing at this URI, or it is somebody else's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What stands at a URI.

    Attributes:
        text: It.
        mime_type: What kind of text.
        ttl_ms: How long a client may keep it.
    """

    text: str
    mime_type: str = "application/json"
    ttl_ms: int = 0


def read(service: MemoryService, recent: RecentRecalls, caller: Caller, uri: str) -> Resource:
    """What stands at a URI of the caller's workspace.

    Raises:
        NoResourceError: If there is nothing, or the workspace is not the caller's.
    """
    caller.check(Scope.READ)
    workspace, _, rest = uri.removeprefix(_SCHEME).partition("/")
    kind, _, key = rest.partition("/")
    if not uri.startswith(_SCHEME) or unquote(workspace) != caller.workspace_id:
        raise _missing(uri)
    readers: dict[str, Callable[[], Resource]] = {
        "prompt": lambda: _block(service, caller),
        "policy": lambda: _policy(service, caller),
        "memories": lambda: _memory(service, caller, unquote(key)),
        "allocations": lambda: _allocation(service, recent, caller, unquote(key)),
    }
    reader = readers.get(kind)
    if reader is None or bool(key) is (kind in ("prompt", "policy")):
        raise _missing(uri)
    return reader()


def _missing(uri: str) -> NoResourceError:
    return NoResourceError(f"there is no resource {uri}. List resources and their templates.")


def _block(service: MemoryService, caller: Caller) -> Resource:
    """What an agent should know at the start; what stays in it stays in its place."""
    reply = service.recall(
        caller.workspace_id,
        "",
        budget_tokens=_BLOCK_TOKENS,
        tiers=["project"],
        session_id=_BLOCK_SESSION,
        record_access=False,
    )
    return Resource(text=reply.prompt_text, mime_type="text/plain", ttl_ms=_BLOCK_TTL_MS)


def _policy(service: MemoryService, caller: Caller) -> Resource:
    row = service.workspaces.row(caller.workspace_id)
    return _json(
        {
            "workspace_id": caller.workspace_id,
            "settings_version": row.settings_version,
            "time_zone": row.time_zone,
            "max_total_tokens": row.settings["max_total_tokens"],
            "token_price": row.settings["token_price"],
            "retention": row.retention,
        }
    )


def _memory(service: MemoryService, caller: Caller, memory_id: str) -> Resource:
    row = dataclasses.asdict(service.get(caller.workspace_id, memory_id))
    return _json(row)


def _allocation(
    service: MemoryService, recent: RecentRecalls, caller: Caller, allocation_id: str
) -> Resource:
    reply = explain(service, recent, caller, {"allocation_id": allocation_id})
    return Resource(text=reply.text, mime_type="text/plain")


def _json(value: dict[str, Any]) -> Resource:
    return Resource(text=json.dumps(value, default=str, ensure_ascii=False, indent=1))
