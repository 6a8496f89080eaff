"""What a service cannot use is one clear error, on either database, and nothing is half done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from memory_services import on_both

from mba_integrations import UnknownWorkspaceError
from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryState

Call = Callable[[MemoryService], object]


@on_both
@pytest.mark.parametrize(
    ("call", "says"),
    [
        pytest.param(lambda one: one.list("kate", after="x"), "after must be", id="place"),
        pytest.param(lambda one: one.list("kate", {"tiers": "rag"}), "MemoryFilter", id="filter"),
    ],
)
def test_what_a_database_would_refuse_is_refused_before(
    service: MemoryService, call: Call, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        call(service)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        pytest.param(
            lambda one: one.recall("kate", "q", min_change_seq="x"), "min_change_seq", id="sequence"
        ),
        pytest.param(lambda one: one.remember("kate", "x", tags="abc"), "tags must be", id="tags"),
        pytest.param(
            lambda one: one.remember("kate", "x", tags=None), "tags must be a list", id="no-tags"
        ),
        pytest.param(lambda one: one.remember("kate", "x", actor=7), "actor must be", id="actor"),
    ],
)
def test_arguments_of_another_kind_are_refused_and_nothing_is_kept(
    service: MemoryService, call: Call, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        call(service)
    assert service.list("kate").rows == ()


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda one: one.jobs.list("kat"), id="jobs"),
        pytest.param(lambda one: one.jobs.counts("kat"), id="counts-of-jobs"),
        pytest.param(lambda one: one.jobs.wait_until_idle("kat"), id="waiting"),
        pytest.param(lambda one: one.organisation.plan("kat"), id="plan"),
        pytest.param(lambda one: one.organisation.last_report("kat"), id="report"),
        pytest.param(lambda one: one.merges.list("kat"), id="merges"),
        pytest.param(lambda one: one.revise_all("kat", {"a": "b"}), id="revise"),
        pytest.param(lambda one: one.expire("kat", "a", None), id="expire"),
        pytest.param(lambda one: one.metadata_values("kat", "a"), id="metadata"),
    ],
)
def test_a_workspace_that_does_not_exist_is_named_with_those_of_a_like_name(
    service: MemoryService, call: Call
) -> None:
    with pytest.raises(UnknownWorkspaceError, match=r"no workspace 'kat'.*'kate'"):
        call(service)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        pytest.param({"tiers": {"far"}}, "one of tiers must be one of working", id="tier"),
        pytest.param({"states": ["gone"]}, "one of states must be one of active", id="state"),
        pytest.param({"subjects": "kate"}, "subjects must be a list of names, got str", id="text"),
        pytest.param({"tags": {7}}, "one of tags must be a text, got int", id="number"),
        pytest.param({"metadata": {"a": [1]}}, r"got \[1\] for 'a'", id="metadata"),
        pytest.param({"metadata": [1]}, "metadata must be a mapping", id="metadata-list"),
        pytest.param(
            {"created_from": datetime(2026, 1, 1)},
            "created_from must be a datetime with",
            id="time",
        ),
        pytest.param({"contains": 7}, "contains must be a text", id="contains"),
    ],
)
def test_a_filter_of_what_cannot_be_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        MemoryFilter(**fields)


def test_a_filter_takes_lists_and_names() -> None:
    given: Any = {"states": ["forgotten"], "tags": ["a", "a"]}
    found = MemoryFilter(**given)
    assert (found.states, found.tags) == (frozenset({MemoryState.FORGOTTEN}), frozenset("a"))
