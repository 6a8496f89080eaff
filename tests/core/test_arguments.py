"""Whatever a caller gives as an argument, the error is ours and names the argument."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from allocators import Clock, allocator_with, workspace
from fakes import line
from strangers import strangers

from mba_integrations import (
    Allocation,
    InputError,
    LifecycleReview,
    MemoryBudgetAllocator,
    MemoryBudgetConfigLoader,
    MemoryItem,
    MemoryPool,
    WorkspaceConfig,
    apply_recommendations,
)
from mba_integrations.core.arguments import checked_path, checked_tokens, checked_whole, shown
from mba_integrations.core.config.group import SettingsGroup
from mba_integrations.core.config.settings import PromotionSettings
from mba_integrations.core.lifecycle import evaluate_promotion_demotion
from mba_integrations.core.log.file import read_log_file
from mba_integrations.core.search.cached_embedder import CachedEmbedder

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SHIPPED = MemoryBudgetConfigLoader.shipped_path()
PROMOTION = PromotionSettings()
VALUES: dict[str, Any] = {
    "digits-400": 10**400,
    "digits-5000": 10**5000,
    "minus-digits-400": -(10**400),
    "digits-30": 10**30,
    "over-int64": 2**63,
    "truth-value": True,
    "fraction": 2.5,
    "nan": float("nan"),
    "infinite": float("inf"),
    "text": "3",
    "bytes": b"3",
    "list": [1],
    "list-of-digits": [10**5000],
    "mapping": {},
    "nothing": None,
    "object": object(),
    "array": np.array([1, 2]),
    "array-of-no-dimension": np.array(3),
    "complex": 1j,
    "decimal": Decimal("sNaN"),
}
IDS = list(VALUES)


@pytest.mark.parametrize("value", [1, 5, np.int64(5), np.uint8(5), 2**63 - 1], ids=repr)
def test_whole_numbers_of_tokens_are_plain_integers(value: Any) -> None:
    assert checked_tokens("n", value) == value
    assert type(checked_tokens("n", value)) is int


@pytest.mark.parametrize("value", VALUES.values(), ids=IDS)
def test_all_else_is_refused_with_the_name(value: Any) -> None:
    with pytest.raises(InputError, match=r"^n must be (an integer >= 1|at most 2\*\*63 - 1), got"):
        checked_tokens("n", value)


@pytest.mark.parametrize(
    ("value", "at_least", "fits"),
    [(0, 0, True), (-1, 0, False), (0, 1, False), (1, 1, True), (np.int64(-1), 0, False)],
    ids=repr,
)
def test_the_least_number_is_the_argument(value: Any, at_least: int, fits: bool) -> None:
    if fits:
        assert checked_whole("n", value, at_least=at_least) == value
    else:
        with pytest.raises(InputError, match=f"n must be an integer >= {at_least}, got"):
            checked_whole("n", value, at_least=at_least)


class Named:
    """An `os.PathLike` that gives, or raises, what it was made with."""

    def __init__(self, path: Any) -> None:
        self.path = path

    def __fspath__(self) -> Any:
        if isinstance(self.path, Exception):
            raise self.path
        return self.path


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("a/b", id="text"),
        pytest.param(Path("a/b"), id="path"),
        pytest.param(PurePosixPath("a/b"), id="pure-path"),
        pytest.param(Named("a/b"), id="path-like"),
    ],
)
def test_text_and_path_likes_are_paths(value: Any) -> None:
    assert checked_path("p", value) == Path("a/b")


def test_a_name_that_is_not_utf8_is_a_path_as_python_reads_it() -> None:
    name = os.fsdecode(b"caf\xe9.md")
    assert str(checked_path("p", name)) == name


@pytest.mark.parametrize(
    ("value", "got"),
    [
        pytest.param("", "got an empty text", id="empty"),
        pytest.param(Named(""), "got an empty text", id="path-like-of-nothing"),
        pytest.param("a\0b", r"holds no NUL, got 'a\\x00b'", id="nul"),
        pytest.param("a\ud800b", r"holds no U\+D800, got 'a\\ud800b'", id="surrogate"),
        pytest.param(Named(b"a/b"), "got Named", id="path-like-of-bytes"),
        pytest.param(Named(7), "got Named", id="path-like-of-a-number"),
        pytest.param(Named(OSError("gone")), "got Named", id="path-like-that-raises"),
        *[
            pytest.param(value, f"got {type(value).__name__}", id=name)
            for name, value in VALUES.items()
            if name != "text"
        ],
    ],
)
def test_what_no_system_call_takes_is_refused_with_the_name(value: Any, got: str) -> None:
    with pytest.raises(InputError, match=rf"^p must be a path, .*{got}"):
        checked_path("p", value)


@pytest.mark.parametrize(
    "value", [*VALUES.values(), "x" * 10**6, ["x" * 10**6]], ids=[*IDS, "long-text", "long-list"]
)
def test_a_value_is_shown_in_one_short_line(value: Any) -> None:
    assert len(shown(value)) <= 80
    assert "\n" not in shown(value)


def allocate(**arguments: Any) -> Allocation:
    given = {"query": "?", "available_memories": [line("a", 10), line("b", 10)], **arguments}
    return allocator_with(workspace()).allocate_memory_budget(**{"workspace_id": "w", **given})


def of_item(name: str) -> Callable[[Any], Any]:
    """An item with such a field on all its ways: chosen, reviewed and in a pool."""

    def use(value: Any) -> None:
        item = MemoryItem(**{"id": "i", "content": "text", "tier": "rag", name: value})
        allocate(available_memories=[item, line("a", 10)])
        allocator_with().evaluate_promotion_demotion([item], workspace())
        MemoryPool.from_items([item]).snapshot()

    return use


def of_call(name: str) -> Callable[[Any], Any]:
    return lambda value: allocate(**{name: value})


def configured(group: str | None, name: str) -> Callable[[Any], Any]:
    """A workspace with such a setting, used for two calls of a session and a review."""

    def use(value: Any) -> None:
        settings = {name: value} if group is None else {group: {name: value}}
        config = WorkspaceConfig(**{"workspace_id": "w", **settings})
        allocator = MemoryBudgetAllocator(len, clock=Clock())
        allocator.register_workspace(config)
        for _ in range(2):
            session = allocator.session("s")
            session.allocate_memory_budget("?", [line("a", 10), line("b", 20)], config.workspace_id)
        allocator.evaluate_promotion_demotion([line("a", 10, access_count=3)], config, now=NOW)

    return use


def settings_of(config: Any, group: str | None = None) -> dict[str, Callable[[Any], Any]]:
    found: dict[str, Callable[[Any], Any]] = {}
    for name in type(config).model_fields:
        value = getattr(config, name)
        if isinstance(value, SettingsGroup):
            found |= settings_of(value, name)
        elif name not in ("path", "model"):
            found[f"{group or 'workspace'}.{name}"] = configured(group, name)
    return found


def cached(**named: Any) -> CachedEmbedder:
    return CachedEmbedder(lambda texts: np.ones((len(texts), 2), dtype=np.float32), **named)


def reviewed(**named: Any) -> LifecycleReview:
    return evaluate_promotion_demotion([line("a", 10)], **{"settings": PROMOTION, **named})


ITEM_FIELDS = (
    *("id", "content", "tier", "relevance", "importance", "created_at", "last_accessed_at"),
    *("access_count", "source", "position", "group", "pinned", "embedding", "metadata"),
)
CALL_ARGUMENTS = (
    *("query", "available_memories", "workspace_id", "budget_tokens", "query_embedding", "now"),
    *("previous", "reserved_tokens", "layout"),
)
PLACES: dict[str, Callable[[Any], Any]] = {
    **{f"item.{name}": of_item(name) for name in ITEM_FIELDS},
    **{f"call.{name}": of_call(name) for name in CALL_ARGUMENTS},
    **settings_of(workspace()),
    "allocator.token_counter": MemoryBudgetAllocator,
    "allocator.clock": lambda value: MemoryBudgetAllocator(len, clock=value),
    "session": lambda value: allocator_with().session(value),
    "workspace": lambda value: allocator_with().workspace(value),
    "register": lambda value: allocator_with().register_workspace(value),
    "statistics.workspace": lambda value: allocator_with().get_allocation_statistics(value),
    "statistics.hours": lambda value: allocator_with().get_allocation_statistics(None, value),
    "complexity.query": lambda value: allocator_with().estimate_query_complexity(value),
    "complexity.turns": lambda value: allocator_with().estimate_query_complexity(
        "?", conversation_turns=value
    ),
    "review.items": lambda value: allocator_with().evaluate_promotion_demotion(value, workspace()),
    "review.item": lambda value: allocator_with().evaluate_promotion_demotion([value], workspace()),
    "review.config": lambda value: allocator_with().evaluate_promotion_demotion([], value),
    "apply.items": lambda value: apply_recommendations(value, (), now=NOW),
    "apply.review": lambda value: apply_recommendations((), value, now=NOW),
    "apply.move": lambda value: apply_recommendations((), [value], now=NOW),
    "apply.now": lambda value: apply_recommendations((), (), now=value),
    "curve.budgets": lambda value: allocate().budget_curve(value),
    "curve.budget": lambda value: allocate().budget_curve([value]),
    "pool.items": lambda value: MemoryPool.from_items(value),
    "pool.add": lambda value: MemoryPool.from_items([]).add(value),
    "pool.update": lambda value: MemoryPool.from_items([]).update(value),
    "pool.remove": lambda value: MemoryPool.from_items([]).remove(value),
    "pool.get": lambda value: MemoryPool.from_items([]).get(value),
    "pool.contains": lambda value: value in MemoryPool.from_items([]),
    "pool.load": MemoryPool.load,
    "pool.save": MemoryPool.from_items([]).save,
    "allocator.embedder": lambda value: MemoryBudgetAllocator(len, value),
    "allocator.sessions": lambda value: MemoryBudgetAllocator(len, sessions=value),
    "allocator.logs": lambda value: MemoryBudgetAllocator(len, logs=value),
    "allocator.workspaces": lambda value: MemoryBudgetAllocator(len, workspaces=value),
    "allocator.from_yaml": MemoryBudgetAllocator.from_yaml,
    "allocator.watched": lambda value: MemoryBudgetAllocator.from_yaml(value, reload=True),
    "export.path": lambda value: allocator_with().export_allocation_log(value),
    "log.path": read_log_file,
    "config.load": MemoryBudgetConfigLoader.load_from_yaml,
    "config.workspace": lambda value: MemoryBudgetConfigLoader.load_workspace(SHIPPED, value),
    "config.validate": MemoryBudgetConfigLoader.validate,
    "config.write": MemoryBudgetConfigLoader.to_yaml,
    "config.write-one": lambda value: MemoryBudgetConfigLoader.to_yaml([value]),
    "cached.embedder": CachedEmbedder,
    "cached.max_entries": lambda value: cached(max_entries=value)(["a", "b"]),
    "cached.texts": lambda value: cached()(value),
    "cached.text": lambda value: cached()([value]),
    "cached.missing": lambda value: cached().missing(value),
    "cached.keep": lambda value: cached().keep(value, np.ones((1, 2), dtype=np.float32)),
    "cached.vectors": lambda value: cached().keep(["a"], value),
    "lifecycle.items": lambda value: evaluate_promotion_demotion(value, settings=PROMOTION),
    "lifecycle.settings": lambda value: reviewed(settings=value),
    "lifecycle.scores": lambda value: reviewed(scores=value),
    "lifecycle.score": lambda value: reviewed(scores={"a": value}),
    "lifecycle.now": lambda value: reviewed(now=value),
}


@pytest.mark.parametrize("place", PLACES)
def test_no_value_of_any_argument_gives_an_error_of_somebody_else(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # one of the values is a path
    assert not strangers(PLACES[place], VALUES)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"importance": 10**400}, "importance must be in .* bits. Rescale", id="long"),
        pytest.param({"access_count": True}, "access_count must be an integer", id="truth-value"),
        pytest.param({"access_count": 2**63}, r"access_count must be at most", id="over-int64"),
        pytest.param({"position": "3"}, "position must be finite, got '3'", id="position-as-text"),
        pytest.param({"position": 10**400}, "position must be finite", id="long-position"),
        pytest.param({"pinned": "no"}, "pinned must be True or False, got 'no'", id="pinned-text"),
        pytest.param({"pinned": 2}, "pinned must be True or False, got 2", id="pinned-number"),
        pytest.param({"metadata": 3}, "metadata must be a mapping, got int", id="metadata"),
        pytest.param({"embedding": [10**400]}, "embedding is not a list of num", id="embedding"),
    ],
)
def test_a_field_of_an_item_is_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"item 'i': {message}"):
        MemoryItem("i", "text", "rag", **fields)


def test_numbers_of_numpy_become_pythons_own() -> None:
    item = MemoryItem("i", "text", "rag", access_count=np.int64(3), pinned=np.bool_(True))  # type: ignore[arg-type]
    assert (type(item.access_count), item.access_count) == (int, 3)
    assert item.pinned is True
    assert MemoryItem("i", "text", "rag", pinned=0).pinned is False
