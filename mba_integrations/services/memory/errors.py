"""Errors of the service, beside those of the core and of the store."""

from __future__ import annotations

from mba_integrations.core.errors import InputError, MemoryBudgetError


class NotYetThereError(MemoryBudgetError, TimeoutError):
    """A change that the caller has seen elsewhere is not to be seen here yet.

    Attributes:
        change_seq: Where the workspace's sequence stands here.
        wanted: Where the caller has seen it.
    """

    def __init__(self, workspace_id: str, *, change_seq: int, wanted: int) -> None:
        super().__init__(
            f"workspace {workspace_id!r} is at change {change_seq:,}, min_change_seq is "
            f"{wanted:,}. Ask again, or check that both services use one store."
        )
        self.change_seq = change_seq
        self.wanted = wanted


class UnknownAllocationError(MemoryBudgetError, LookupError):
    """The log of the workspace has no allocation of that id."""


class WorkspaceTooLargeError(MemoryBudgetError, RuntimeError):
    """A workspace has more memories than a pool may hold, and what is asked needs them all there.

    Attributes:
        count: How many it has, about.
        limit: How many a pool may hold.
    """

    def __init__(self, workspace_id: str, what: str, way: str, *, count: int, limit: int) -> None:
        super().__init__(
            f"workspace {workspace_id!r} has about {count:,} memories, {what} holds at most "
            f"{limit:,} (pool_memories). {way}"
        )
        self.count = count
        self.limit = limit


class JobError(MemoryBudgetError, RuntimeError):
    """A job cannot be done as things stand: trying it again later may help."""


class NotActiveError(InputError):
    """A memory that is to be revised is superseded or forgotten: somebody else was first."""
