"""The public names, their signatures and their laziness: what users' code relies on."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import mba_integrations
from mba_integrations import (
    Allocation,
    MemoryBudgetAllocator,
    MemoryBudgetConfigLoader,
    MemoryBudgetError,
    MemoryItem,
    MemoryPool,
    MemoryTier,
    QueryComplexity,
    TierAllocation,
    WorkspaceConfig,
)
from mba_integrations.core import errors

PROMISED = {
    "MemoryBudgetAllocator",
    "MemoryBudgetConfigLoader",
    "WorkspaceConfig",
    "MemoryItem",
    "MemoryTier",
    "QueryComplexity",
    "MemoryPool",
}
NO_DEFAULT = inspect.Parameter.empty


def names_for_type_checkers() -> set[str]:
    """What `if TYPE_CHECKING:` of the package imports and declares."""
    tree = ast.parse(Path(mba_integrations.__file__).read_text(encoding="utf-8"))
    block = next(
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    names: set[str] = set()
    for node in block.body:
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.AnnAssign):
            names.add(ast.unparse(node.target))
    return names


def test_promised_names_are_public() -> None:
    assert set(mba_integrations.__all__) >= PROMISED


def test_all_is_sorted_without_repeats() -> None:
    assert mba_integrations.__all__ == sorted(set(mba_integrations.__all__))


@pytest.mark.parametrize("name", mba_integrations.__all__)
def test_public_name_can_be_imported(name: str) -> None:
    assert getattr(mba_integrations, name) is not None


def test_type_checkers_see_the_names_that_users_can_import() -> None:
    assert names_for_type_checkers() == set(mba_integrations.__all__)


def test_dir_lists_the_public_names() -> None:
    assert set(dir(mba_integrations)) >= set(mba_integrations.__all__)


def test_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="MemoryBudgetAlocator"):
        _ = mba_integrations.MemoryBudgetAlocator


def test_every_error_is_public_and_under_one_root() -> None:
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and value.__module__ == errors.__name__
    }
    assert defined <= set(mba_integrations.__all__)
    assert all(issubclass(getattr(errors, name), MemoryBudgetError) for name in defined)


@pytest.mark.parametrize("name", sorted(set(mba_integrations.__all__) - {"__version__"}))
def test_public_name_is_documented_where_it_is_defined(name: str) -> None:
    value = getattr(mba_integrations, name)
    home = import_module(value.__module__)
    assert getattr(home, name) is value
    assert inspect.getdoc(value)


def positional_parameters(function: Callable[..., Any]) -> dict[str, Any]:
    """Names and defaults of the parameters that may be given by position, without `self`."""
    return {
        parameter.name: parameter.default
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.name != "self"
    }


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        pytest.param(
            MemoryBudgetAllocator,
            {"token_counter": None, "embedder": None},
            id="allocator",
        ),
        pytest.param(
            MemoryBudgetAllocator.allocate_memory_budget,
            {
                "query": NO_DEFAULT,
                "available_memories": NO_DEFAULT,
                "workspace_id": "default",
                "budget_tokens": None,
                "query_embedding": None,
                "now": None,
                "previous": None,
            },
            id="allocate_memory_budget",
        ),
        pytest.param(
            MemoryBudgetAllocator.evaluate_promotion_demotion,
            {"items": NO_DEFAULT, "config": NO_DEFAULT},
            id="evaluate_promotion_demotion",
        ),
        pytest.param(
            MemoryBudgetAllocator.get_allocation_statistics,
            {"workspace_id": None, "time_window_hours": None},
            id="get_allocation_statistics",
        ),
        pytest.param(
            MemoryBudgetAllocator.export_allocation_log,
            {"path": NO_DEFAULT},
            id="export_allocation_log",
        ),
        pytest.param(
            MemoryBudgetAllocator.estimate_query_complexity,
            {"query": NO_DEFAULT},
            id="estimate_query_complexity",
        ),
        pytest.param(
            MemoryBudgetAllocator.register_workspace,
            {"config": NO_DEFAULT},
            id="register_workspace",
        ),
        pytest.param(
            MemoryBudgetConfigLoader.load_from_yaml,
            {"path": NO_DEFAULT},
            id="load_from_yaml",
        ),
        pytest.param(
            MemoryBudgetConfigLoader.load_workspace,
            {"path": NO_DEFAULT, "workspace_id": NO_DEFAULT},
            id="load_workspace",
        ),
        pytest.param(MemoryPool.from_items, {"items": NO_DEFAULT}, id="pool"),
    ],
)
def test_signature_is_the_promised_one(
    function: Callable[..., Any], expected: dict[str, Any]
) -> None:
    assert positional_parameters(function) == expected


def test_memory_item_takes_the_promised_fields_and_defaults() -> None:
    item = MemoryItem("a", "text", MemoryTier.RAG)
    assert positional_parameters(MemoryItem).keys() == {"id", "content", "tier"}
    defaults = {name: getattr(item, name) for name in inspect.signature(MemoryItem).parameters}
    assert defaults == {
        "id": "a",
        "content": "text",
        "tier": MemoryTier.RAG,
        "relevance": None,
        "importance": 0.5,
        "created_at": None,
        "last_accessed_at": None,
        "access_count": 0,
        "source": None,
        "position": None,
        "group": None,
        "pinned": False,
        "embedding": None,
        "metadata": {},
        "retriever_score": None,
        "retriever": None,
    }


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        pytest.param(
            Allocation,
            "selected omitted prompt_text used_tokens budget_tokens tiers complexity value "
            "upper_bound gap explain to_dict",
            id="allocation",
        ),
        pytest.param(TierAllocation, "budget_tokens used_tokens", id="tier-allocation"),
        pytest.param(MemoryPool, "from_items add update remove save load", id="pool"),
        pytest.param(
            WorkspaceConfig,
            "workspace_id max_total_tokens working_memory_pct project_memory_pct "
            "long_term_memory_pct rag_memory_pct",
            id="workspace",
        ),
    ],
)
def test_promised_attributes_exist(owner: type, names: str) -> None:
    known = {*dir(owner), *getattr(owner, "__annotations__", {})}
    assert known >= set(names.split())


def test_tiers_and_complexities_have_the_promised_members() -> None:
    assert [tier.name for tier in MemoryTier] == ["WORKING", "PROJECT", "LONG_TERM", "RAG"]
    assert [level.name for level in QueryComplexity] == ["SIMPLE", "MEDIUM", "COMPLEX", "EXPERT"]
