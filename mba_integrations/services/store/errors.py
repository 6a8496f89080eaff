"""Every error that the store raises.

    MemoryBudgetError
    └── StoreError                   the store cannot do what was asked
        ├── StoreFileError           the file is no database of ours, or lies where none can be
        ├── StoreInUseError          another process holds the file for itself
        ├── StoreBusyError           a lock was not free in time
        ├── StorageFullError         the disk is full; nothing is written until there is room
        ├── StoreUnreachableError    the database server does not answer
        ├── StoreClosedError         the store was closed, or opened before a fork
        ├── SchemaError              the tables are of another release
        ├── WorkspaceExistsError     a workspace of that id is there
        ├── SettingsConflictError    settings were changed by somebody else in between
        ├── AboutMemoriesError       some memories stand in the way
        │   ├── MemoryExistsError    a memory of that id is there
        │   └── UnknownMemoryError   there is no memory of that id
        ├── UnknownJobError          there is no job of that id, or it is in no state to do that
        ├── UnknownProposalError     there are no proposed settings of that id, or in no such state
        ├── LeaseLostError           the job is somebody else's by now
        ├── UnknownKeyError          there is no key of that id
        ├── KeyExistsError           a key of that id is there
        └── IdempotencyConflictError a key came again with another request

`UnknownWorkspaceError` and `InputError` are the core's. The last ten leave everything as it was.
"""

from __future__ import annotations

from collections.abc import Iterable

from mba_integrations.core.errors import InputError, MemoryBudgetError


class StoreError(MemoryBudgetError, RuntimeError):
    """The store cannot do what was asked."""


class StoreFileError(StoreError):
    """The file is no database of ours, or lies where none can be."""


class StoreInUseError(StoreError):
    """Another process holds the file for itself.

    Attributes:
        pid: Its process, None where it is not known.
        url: Where it answers, None where it does not.
    """

    def __init__(self, message: str, *, pid: int | None = None, url: str | None = None) -> None:
        super().__init__(message)
        self.pid = pid
        self.url = url


class StoreBusyError(StoreError):
    """A lock was not free in time, so nothing was written. The same call may work later."""


class StorageFullError(StoreError):
    """The disk is full. Reading goes on; writing begins again by itself once there is room."""


class StoreUnreachableError(StoreError):
    """The database server does not answer, or all connections are taken."""


class StoreClosedError(StoreError):
    """The store was closed, or was opened in another process before a fork."""


class SchemaError(StoreError):
    """The tables are of another release than this code.

    Attributes:
        found: Revision of the database, None for a database without tables of ours.
        known: Revision of this code.
    """

    def __init__(self, message: str, *, found: str | None, known: str) -> None:
        super().__init__(message)
        self.found = found
        self.known = known


class WorkspaceExistsError(StoreError):
    """A workspace of that id is there."""


class SettingsConflictError(StoreError):
    """Settings were changed by somebody else in between.

    Attributes:
        version: The version that holds now.
    """

    def __init__(self, message: str, *, version: int) -> None:
        super().__init__(message)
        self.version = version


class AboutMemoriesError(StoreError):
    """Some memories stand in the way.

    Attributes:
        memory_ids: Their ids.
    """

    def __init__(self, message: str, memory_ids: Iterable[str]) -> None:
        super().__init__(message)
        self.memory_ids = tuple(memory_ids)


class MemoryExistsError(AboutMemoriesError):
    """A memory of that id is there."""


class UnknownMemoryError(AboutMemoriesError, LookupError):
    """There is no memory of that id in the workspace."""


class UnknownJobError(StoreError, LookupError):
    """There is no job of that id in the workspace, or it is in no state to do that."""


class UnknownProposalError(StoreError, LookupError):
    """There are no proposed settings of that id, or they are in no state to do that."""


class UnknownKeyError(StoreError, LookupError):
    """There is no key of that id."""


class KeyExistsError(StoreError):
    """A key of that id is there."""


class LeaseLostError(StoreError):
    """The job's lease ran out and somebody else has it, or it was cancelled."""


class IdempotencyConflictError(InputError):
    """A key came again with another request."""
