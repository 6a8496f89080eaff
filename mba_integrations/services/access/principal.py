"""`Principal`: a caller, made once of its key, and asked before anything is done for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mba_integrations.core.errors import UnknownWorkspaceError
from mba_integrations.services.access.errors import MissingScopeError


class Scope(StrEnum):
    """What a key may do, in its workspaces."""

    READ = "read"
    """Recall, search, list, statistics; allocations without their texts."""
    WRITE = "write"
    """Remember, revise, move, pin, hold, import."""
    FORGET = "forget"
    """Forget, erase, and carry out what retention decides."""
    ADMIN = "admin"
    """Workspaces and their settings, keys, jobs, backups."""
    READ_CONTENT = "read:content"
    """Exports, and the texts that logs hold."""
    GATEWAY = "gateway"
    """Requests to models through the gateway."""


EVERYTHING = frozenset(Scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A caller.

    Attributes:
        key_id: Of its key; `local` where the server is open to this machine and asks for none.
        scopes: What it may do.
        workspaces: Where; None for all that there are.

    >>> caller = Principal(key_id="k", scopes=frozenset({Scope.READ}), workspaces=frozenset({"a"}))
    >>> caller.may_reach("a"), caller.may_reach("b")
    (True, False)
    """

    key_id: str
    scopes: frozenset[Scope]
    workspaces: frozenset[str] | None = None

    @property
    def actor(self) -> str:
        """Its name in histories."""
        return f"key:{self.key_id}"

    def may_reach(self, workspace_id: str) -> bool:
        """Whether a workspace is one of the caller's."""
        return self.workspaces is None or workspace_id in self.workspaces

    def reachable(self, workspace_ids: Iterable[str]) -> tuple[str, ...]:
        """Those workspaces that are the caller's, in their order."""
        return tuple(one for one in workspace_ids if self.may_reach(one))

    def check(self, scope: Scope, workspace_id: str | None = None) -> None:
        """Refuse what the caller may not do.

        A workspace of somebody else is answered like one that is not there: whether it is would
        already be an answer.

        Raises:
            UnknownWorkspaceError: If the workspace is not the caller's.
            MissingScopeError: If its key lacks the scope.
        """
        if workspace_id is not None and not self.may_reach(workspace_id):
            raise UnknownWorkspaceError(
                f"there is no workspace {workspace_id!r}.", key="workspace_id", value=workspace_id
            )
        if scope not in self.scopes:
            raise MissingScopeError(
                f"this needs the scope {scope.value!r}, which the key {self.key_id!r} lacks. "
                f"Make a key with it: mba keys create --scope {scope.value}.",
                scope=scope.value,
            )

    def check_everywhere(self, scope: Scope) -> None:
        """Refuse what concerns all workspaces to a caller that may reach only some.

        Raises:
            MissingScopeError: If it may not do that everywhere.
        """
        self.check(scope)
        if self.workspaces is not None:
            raise MissingScopeError(
                f"this needs the scope {scope.value!r} for all workspaces, and the key "
                f"{self.key_id!r} is for some.",
                scope=scope.value,
            )


LOCAL = Principal(key_id="local", scopes=EVERYTHING)
"""Who asks from this machine where no keys were made."""
