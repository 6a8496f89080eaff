"""Every error of ours has a status, and says nothing to callers that is not for them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import (
    InputError,
    MemoryBudgetError,
    PinnedOverBudgetError,
    UnknownWorkspaceError,
)
from mba_integrations.services.contracts.problems import KINDS, problem_of
from mba_integrations.services.store.errors import MemoryExistsError, StoreBusyError

SKINS = {"api", "client", "daemon", "mcp"}
"""What stands above the table, and answers for errors of its own."""


def all_errors() -> Iterator[type[MemoryBudgetError]]:
    for room in ("core", "services"):
        package = importlib.import_module(f"mba_integrations.{room}")
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.endswith((".errors", ".problems")):
                importlib.import_module(found.name)
    todo = [MemoryBudgetError]
    while todo:
        error = todo.pop()
        todo += error.__subclasses__()
        _, room, *rest = error.__module__.split(".")
        if room == "core" or (room == "services" and rest[0] not in SKINS):
            yield error


def test_every_error_is_in_the_table_or_under_one_that_is_of_its_kind() -> None:
    """A new error of the store must not become an answer of its ancestor by mistake."""
    inherit = {error.__name__ for error in all_errors()} - {error.__name__ for error in KINDS}
    assert inherit == {
        *("ConfigFileError", "InvalidSettingsError", "InvalidWorkspaceError"),
        *("DuplicateItemError", "PoolError", "PinnedOverBudgetError"),
        *("AccessError", "AboutMemoriesError"),
    }


def test_kinds_have_types_of_their_own() -> None:
    assert len({kind.slug for kind in KINDS.values()}) == len(KINDS)
    assert all(400 <= kind.status < 600 and kind.status != 500 for kind in KINDS.values())
    later = {kind.status for kind in KINDS.values() if kind.retry_after is not None}
    assert later == {409, 503, 507}
    assert all(kind.retry_after is not None for kind in KINDS.values() if kind.status in (503, 507))


def test_an_error_brings_its_numbers() -> None:
    over = problem_of(PinnedOverBudgetError("over", needed_tokens=9, budget_tokens=5)).to_dict()
    assert over["status"] == 422
    assert (over["needed_tokens"], over["budget_tokens"]) == (9, 5)
    there = problem_of(MemoryExistsError("there", [str(one) for one in range(300)])).to_dict()
    assert there["type"] == "urn:mba:problem:memory-exists"
    assert len(there["memory_ids"]) == 100


def test_settings_are_pointed_at() -> None:
    with pytest.raises(MemoryBudgetError) as refused:
        WorkspaceConfig(workspace_id="a", max_total_tokens=-1, counting={"nothing": 1})
    found = problem_of(refused.value)
    assert found.kind.status == 422
    assert {one.pointer for one in found.errors} == {"/max_total_tokens", "/counting/nothing"}


def test_paths_and_the_names_of_others_are_not_told() -> None:
    busy = problem_of(StoreBusyError("/data/kate/memory.db is locked"))
    assert "kate" not in busy.detail
    assert busy.kind.retry_after == 1
    unknown = UnknownWorkspaceError(
        "there is no workspace 'a'. Did you mean 'secret'?", key="workspace_id", value="a"
    )
    assert problem_of(unknown).detail == "there is no workspace 'a'."
    assert len(problem_of(InputError("x" * 10_000)).detail) == 2_000
