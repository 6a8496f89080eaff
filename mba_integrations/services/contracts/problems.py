"""One table from our errors to a status and a type of problem, for REST, MCP and the gateway.

    MemoryExistsError  ->  409  urn:mba:problem:memory-exists  "a memory of that id is there"

An error that the table does not name is answered as its nearest ancestor in it. Who runs the server
finds paths, addresses and queries in some messages; who asks gets the sentence of the table there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ConfigDict, Field

from mba_integrations.core import errors as core
from mba_integrations.core.config.problems import InvalidSettingsError
from mba_integrations.services.access import errors as access
from mba_integrations.services.contracts.body import View
from mba_integrations.services.memory import errors as memory
from mba_integrations.services.rag import errors as rag
from mba_integrations.services.spending.budgets import errors as budgets
from mba_integrations.services.store import errors as store

_TYPE = "urn:mba:problem:"
MOST_DETAIL = 2_000
"""Characters of a message that are sent: one may hold what was given, of any length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of problem.

    Attributes:
        status: Of HTTP.
        slug: The end of its type.
        title: What went wrong, alike for all problems of the kind.
        detail: Said in place of the error's own message, where that is not for callers.
        retry_after: Seconds after which the same request may work; None if it never will.
    """

    status: int
    slug: str
    title: str
    detail: str | None = None
    retry_after: int | None = None

    @property
    def type(self) -> str:
        """The kind as a URI."""
        return _TYPE + self.slug


def slug_of(problem_type: str) -> str:
    """The slug of a kind, from its URI.

    >>> slug_of("urn:mba:problem:unknown-caller")
    'unknown-caller'
    """
    return problem_type.removeprefix(_TYPE)


def _kind(
    status: int,
    slug: str,
    title: str,
    *,
    detail: str | None = None,
    retry_after: int | None = None,
) -> Kind:
    return Kind(status=status, slug=slug, title=title, detail=detail, retry_after=retry_after)


_LATER = "The store cannot be used at the moment. Nothing was written; try again."
KINDS: Mapping[type[core.MemoryBudgetError], Kind] = {
    core.MemoryBudgetError: _kind(422, "refused", "the request was refused"),
    core.ConfigError: _kind(422, "invalid-settings", "settings are refused"),
    core.UnknownWorkspaceError: _kind(404, "unknown-workspace", "there is no such workspace"),
    core.InputError: _kind(422, "invalid-input", "an argument is unusable"),
    core.BudgetError: _kind(422, "over-budget", "what must be in the prompt does not fit"),
    core.TokenizerError: _kind(
        503, "no-vocabulary", "no exact vocabulary is at hand", retry_after=60
    ),
    core.MissingExtraError: _kind(501, "missing-extra", "the server lacks an optional part"),
    access.UnknownCallerError: _kind(401, "unknown-caller", "the caller is not known"),
    access.MissingScopeError: _kind(403, "missing-scope", "the key may not do that"),
    memory.NotYetThereError: _kind(
        409, "not-yet-there", "a change is not to be seen yet", retry_after=1
    ),
    memory.UnknownAllocationError: _kind(
        404, "unknown-allocation", "there is no such allocation in the log"
    ),
    memory.WorkspaceTooLargeError: _kind(
        409, "workspace-too-large", "the workspace is too large for what is asked"
    ),
    memory.NotActiveError: _kind(409, "not-active", "the memory was revised or forgotten already"),
    memory.JobError: _kind(409, "job", "a job cannot be done as things stand", retry_after=60),
    rag.UnknownDocumentError: _kind(404, "unknown-document", "there is no such document"),
    rag.TooManyRemovedError: _kind(
        409, "too-many-removed", "more documents would be removed than may go without a word"
    ),
    rag.UnreadableFileError: _kind(422, "unreadable-file", "a file has no text that can be read"),
    budgets.SpendExceededError: _kind(429, "spend-exceeded", "a budget has no room for the call"),
    budgets.MissingPriceError: _kind(
        400, "missing-price", "a budget is in dollars and the model has no price"
    ),
    store.StoreError: _kind(409, "store", "the store cannot do that"),
    store.StoreFileError: _kind(
        503, "store-file", "a file cannot be used", detail=_LATER, retry_after=30
    ),
    store.StoreInUseError: _kind(
        503, "store-in-use", "another process has the store", detail=_LATER, retry_after=5
    ),
    store.StoreBusyError: _kind(
        503, "store-busy", "the store is busy", detail=_LATER, retry_after=1
    ),
    store.StorageFullError: _kind(
        507, "storage-full", "the disk is full", detail=_LATER, retry_after=30
    ),
    store.StoreUnreachableError: _kind(
        503, "store-unreachable", "the database does not answer", detail=_LATER, retry_after=5
    ),
    store.StoreClosedError: _kind(
        503, "store-closed", "the server is going down", detail=_LATER, retry_after=5
    ),
    store.SchemaError: _kind(
        503, "schema", "the tables are of another release", detail=_LATER, retry_after=60
    ),
    store.WorkspaceExistsError: _kind(409, "workspace-exists", "a workspace of that id is there"),
    store.SettingsConflictError: _kind(
        412, "settings-conflict", "settings were changed by somebody else"
    ),
    store.MemoryExistsError: _kind(409, "memory-exists", "a memory of that id is there"),
    store.UnknownMemoryError: _kind(404, "unknown-memory", "there is no such memory"),
    store.UnknownJobError: _kind(404, "unknown-job", "there is no such job"),
    store.UnknownProposalError: _kind(404, "unknown-proposal", "there is no such proposal"),
    store.LeaseLostError: _kind(409, "lease-lost", "the job is somebody else's by now"),
    store.UnknownKeyError: _kind(404, "unknown-key", "there is no such key"),
    store.KeyExistsError: _kind(409, "key-exists", "a key of that id is there"),
    store.IdempotencyConflictError: _kind(
        409, "idempotency-conflict", "a key came again with another request"
    ),
}
"""The table. A test finds an answer in it for every error that this package can raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """What is wrong with one field.

    Attributes:
        pointer: Where it stands, as a JSON pointer.
        detail: What is wrong with it.
    """

    pointer: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What a caller is told of an error.

    Attributes:
        kind: Its kind.
        detail: What went wrong this time, and what to change.
        errors: Fields that are refused.
        members: Numbers and ids of the error, by name.
    """

    kind: Kind
    detail: str
    errors: tuple[FieldProblem, ...] = ()
    members: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As RFC 9457 has it, without `instance`."""
        written: dict[str, Any] = {
            "type": self.kind.type,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
        }
        if self.errors:
            written["errors"] = [
                {"pointer": one.pointer, "detail": one.detail} for one in self.errors
            ]
        return {**written, **self.members}


def problem_of(error: core.MemoryBudgetError) -> Problem:
    """What a caller is told of one of our errors.

    >>> problem_of(core.InputError("limit must be at least 1, got 0.")).kind.status
    422
    """
    kind = next(KINDS[one] for one in type(error).__mro__ if one in KINDS)
    return Problem(
        kind=kind,
        detail=kind.detail or _said(error)[:MOST_DETAIL],
        errors=_fields(error),
        members=_members(error),
    )


def _said(error: core.MemoryBudgetError) -> str:
    if isinstance(error, core.UnknownWorkspaceError) and error.key == "workspace_id":
        # The message goes on with ids of a like name, which may be those of others.
        return f"there is no workspace {error.value!r}."
    return str(error)


def _fields(error: core.MemoryBudgetError) -> tuple[FieldProblem, ...]:
    if isinstance(error, InvalidSettingsError):
        return tuple(
            FieldProblem(pointer=pointer_of(one.path), detail=one.text[:MOST_DETAIL])
            for one in error.problems
        )
    return ()


def pointer_of(path: tuple[str | int, ...]) -> str:
    """The JSON pointer of a path (RFC 6901).

    >>> pointer_of(("memories", 3, "a/b"))
    '/memories/3/a~1b'
    """
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


_MEMBERS: Mapping[type[core.MemoryBudgetError], tuple[str, ...]] = {
    core.BudgetError: ("needed_tokens", "budget_tokens"),
    core.MissingExtraError: ("extra",),
    access.MissingScopeError: ("scope",),
    memory.NotYetThereError: ("change_seq", "wanted"),
    memory.WorkspaceTooLargeError: ("count", "limit"),
    rag.UnknownDocumentError: ("document_ids",),
    rag.TooManyRemovedError: ("removed", "known"),
    rag.UnreadableFileError: ("reason",),
    budgets.SpendExceededError: (
        *("scope", "unit", "amount", "used", "reserved", "needed", "left", "ends_at"),
        "retry_after_seconds",
    ),
    budgets.MissingPriceError: ("model",),
    store.SettingsConflictError: ("version",),
    store.AboutMemoriesError: ("memory_ids",),
}


def _members(error: core.MemoryBudgetError) -> dict[str, Any]:
    names = next((_MEMBERS[one] for one in type(error).__mro__ if one in _MEMBERS), ())
    found = {name: getattr(error, name) for name in names}
    return {
        name: list(value)[:100] if isinstance(value, tuple) else value
        for name, value in found.items()
    }


class FieldProblemView(View):
    """What is wrong with one field."""

    pointer: str
    detail: str


class ProblemView(View):
    """A problem as it is sent; some kinds have more members, numbers and ids of the error."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblemView] = Field(default_factory=list)
