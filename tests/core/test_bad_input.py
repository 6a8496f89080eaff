"""Bad input gets an error that says what is wrong and what to change, and nothing is lost."""

from __future__ import annotations

import math
import sys
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import CharCounter, line

from mba_integrations import (
    Allocation,
    ConfigFileError,
    DuplicateItemError,
    InputError,
    MemoryBudgetAllocator,
    MemoryBudgetConfigLoader,
    MemoryBudgetError,
    MemoryItem,
    MemoryPool,
    OmissionReason,
    Omitted,
    PinnedOverBudgetError,
    UnknownWorkspaceError,
    WorkspaceConfig,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NAIVE = datetime(2026, 6, 1, 12)
FITS_ALL = 500


class NoZone(tzinfo):
    """A zone that knows nothing of itself."""


def allocate(items: Any, budget: Any = FITS_ALL, **arguments: Any) -> Allocation:
    given = {"now": NOW, **arguments}
    settings = given.pop("settings", {})
    allocator = MemoryBudgetAllocator(CharCounter(), given.pop("embedder", None))
    allocator.register_workspace(WorkspaceConfig(workspace_id="w", **settings))
    return allocator.allocate_memory_budget(given.pop("query", "?"), items, "w", budget, **given)


@pytest.mark.parametrize("name", ["relevance", "importance"])
@pytest.mark.parametrize(
    ("value", "hint"),
    [
        pytest.param(math.nan, "not finite", id="nan"),
        pytest.param(math.inf, "not finite", id="infinite"),
        pytest.param(-math.inf, "not finite", id="minus-infinite"),
        pytest.param(np.float32("nan"), "not finite", id="numpy-nan"),
        pytest.param(-0.01, "Rescale", id="below-zero"),
        pytest.param(1.5, "Rescale", id="above-one"),
        pytest.param("0.5", "a number", id="text"),
        pytest.param(True, "a number", id="truth-value"),
    ],
)
def test_a_signal_out_of_its_range_names_item_signal_and_value(
    name: str, value: Any, hint: str
) -> None:
    with pytest.raises(InputError, match=rf"item 'm7': {name} must be .*in \[0, 1\]") as e:
        MemoryItem("m7", "text", "rag", **{name: value})  # type: ignore[arg-type]
    assert hint in str(e.value)
    assert repr(value) in str(e.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"access_count": -1}, "access_count must be an integer >= 0", id="uses"),
        pytest.param({"position": math.inf}, "position must be finite", id="position"),
        pytest.param({"created_at": "2026-06-01"}, "datetime.fromisoformat", id="time-as-text"),
        pytest.param(
            {"created_at": datetime(2026, 1, 1, tzinfo=NoZone())},  # type: ignore[abstract]
            "the time zone of created_at gives no offset",
            id="zone-without-an-offset",
        ),
        pytest.param({"embedding": [[1.0]]}, "one vector", id="embedding-of-two-dimensions"),
        pytest.param({"embedding": ["a"]}, "not a list of numbers", id="embedding-of-words"),
        pytest.param({"embedding": np.array([1j])}, "not a list of numbers", id="complex"),
        pytest.param(
            {"embedding": np.array(["2026-06-01"], dtype="M8[D]")},
            "not a list of numbers",
            id="dates",
        ),
    ],
)
def test_an_unusable_field_names_the_item_and_the_rule(fields: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        MemoryItem("m7", "text", "rag", **fields)
    assert "'m7'" in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("", "text", "rag"), "id must be a text that is not empty", id="no-id"),
        pytest.param((7, "text", "rag"), "id must be a text", id="number-as-id"),
        pytest.param(("a", "", "rag"), "item 'a': content is empty", id="empty-content"),
        pytest.param(("a", None, "rag"), "content must be a text, got NoneType", id="no-content"),
        pytest.param(
            ("a", "text", "far"), "one of working, project, long_term, rag, got 'far'", id="tier"
        ),
    ],
)
def test_an_item_without_identity_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        MemoryItem(*arguments)


@pytest.mark.parametrize("text", [" ", "\n", "\r\n\t", "\u3000", "\x00"], ids=ascii)
def test_content_of_white_space_is_rendered_within_the_budget(text: str) -> None:
    allocation = allocate([MemoryItem("a", text, "rag")])
    assert [entry.id for entry in allocation.selected] == ["a"]
    assert len(allocation.prompt_text) == allocation.used_tokens


def test_duplicate_ids_are_named_with_their_places() -> None:
    items = [line("a", 10), line("b", 10), line("a", 20)]
    with pytest.raises(DuplicateItemError, match="id 'a', at places 0 and 2") as caught:
        allocate(items)
    assert caught.value.item_id == "a"


def test_duplicate_ids_in_a_pool_are_named() -> None:
    with pytest.raises(MemoryBudgetError, match="'a'"):
        MemoryPool.from_items([line("a", 10), line("a", 20)])


@pytest.mark.parametrize(
    ("memories", "message"),
    [
        pytest.param("text", "MemoryItem or a MemoryPool, got str", id="text"),
        pytest.param(MemoryItem("a", "b", "rag"), "got MemoryItem", id="one-item"),
        pytest.param(None, "got NoneType", id="nothing"),
        pytest.param(["text"], "memory 0 is a str", id="texts"),
        pytest.param({"a": 1}, "memory 0 is a str", id="mapping"),
    ],
)
def test_what_is_not_a_list_of_items_is_refused(memories: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        allocate(memories)


def test_an_unknown_workspace_names_the_known_ones() -> None:
    allocator = MemoryBudgetAllocator(CharCounter())
    for name in ("chat", "research"):
        allocator.register_workspace(WorkspaceConfig(workspace_id=name))
    with pytest.raises(UnknownWorkspaceError, match=r"'reserch' is not .*: .*chat, research") as e:
        allocator.allocate_memory_budget("?", [], "reserch")
    assert (e.value.key, e.value.value) == ("workspace_id", "reserch")
    with pytest.raises(UnknownWorkspaceError):
        allocator.get_allocation_statistics("reserch")
    with pytest.raises(UnknownWorkspaceError):
        allocator.estimate_query_complexity("?", workspace_id="reserch")


@pytest.mark.parametrize("budget", [0, -1, 1.5, math.nan, "100", True], ids=repr)
def test_a_budget_that_is_not_a_positive_integer_is_refused(budget: Any) -> None:
    with pytest.raises(InputError, match="budget_tokens must be an integer >= 1, got") as caught:
        allocate([line("a", 10)], budget)
    assert repr(budget) in str(caught.value)


def test_a_budget_of_numpy_is_an_integer() -> None:
    assert allocate([line("a", 10)], np.int64(50)).budget_tokens == 50


def test_a_reserve_that_leaves_nothing_is_refused_with_both_numbers() -> None:
    with pytest.raises(InputError, match=r"reserved_tokens \(8,192\) leave nothing .*\(8,192\)"):
        allocate([line("a", 10)], None, reserved_tokens=8192)
    with pytest.raises(InputError, match="reserved_tokens must be an integer >= 0, got -1"):
        allocate([line("a", 10)], None, reserved_tokens=-1)


def test_pins_that_do_not_fit_fail_with_the_arithmetic() -> None:
    heading = len("## Documents\n")
    items = [line("p", 60, pinned=True), line("q", 40, pinned=True), line("a", 5)]
    with pytest.raises(PinnedOverBudgetError) as caught:
        allocate(items, 80)
    assert str(caught.value) == (
        f"2 pinned items need {100 + heading} tokens with their headings, budget_tokens is 80 "
        f"({20 + heading} over). Largest: 'p' with 60 tokens. Raise budget_tokens or unpin an item."
    )
    assert caught.value.needed_tokens == 100 + heading
    assert len(allocate(items, 100 + heading).selected) == 2


def test_a_group_larger_than_its_budget_is_omitted_and_the_rest_fits() -> None:
    items = [line("c", 50, group="g"), line("r", 60, group="g"), line("x", 20)]
    allocation = allocate(items, 100)
    assert [entry.id for entry in allocation.selected] == ["x"]
    for name in ("c", "r"):
        omitted = allocation.decision(name)
        assert isinstance(omitted, Omitted)
        assert omitted.reason is OmissionReason.TOO_LARGE
        assert "needs 110 tokens" in omitted.detail


def test_a_group_over_its_tier_is_omitted_without_borrowing() -> None:
    items = [line("c", 30, group="g"), line("r", 30, group="g"), line("x", 20)]
    allocation = allocate(items, 240, settings={"borrowing": False})
    assert [entry.id for entry in allocation.selected] == ["x"]
    assert allocation.omission_counts() == {OmissionReason.TOO_LARGE: 2}


def test_a_group_of_two_tiers_is_refused_with_both_items() -> None:
    items = [line("a", 10, "working", group="g"), line("b", 10, "rag", group="g")]
    with pytest.raises(InputError, match=r"group 'g' .* 'a' is working, 'b' is rag"):
        allocate(items)


def test_times_with_and_without_a_zone_are_refused_with_one_item_of_each() -> None:
    items = [line("a", 10, created_at=NOW), line("b", 10, created_at=NAIVE)]
    with pytest.raises(
        InputError, match="created_at of item 'a' has a time zone, created_at of item 'b' has none"
    ):
        allocate(items)
    item = line("c", 10, created_at=NOW, last_accessed_at=NAIVE)
    with pytest.raises(InputError, match="of item 'c' has none"):
        allocate([item])


@pytest.mark.parametrize(
    ("time", "now"), [(NOW, NAIVE), (NAIVE, NOW)], ids=["now-lacks-the-zone", "items-lack-it"]
)
def test_now_must_have_a_zone_where_the_items_have_one(time: datetime, now: datetime) -> None:
    with pytest.raises(InputError, match="Give all times a zone"):
        allocate([line("a", 10, created_at=time)], now=now)


def test_now_must_be_a_time() -> None:
    with pytest.raises(InputError, match="now must be a datetime or None, got str"):
        allocate([line("a", 10)], now="2026-06-01")


def test_times_in_the_future_are_a_note_and_count_as_new() -> None:
    later = NOW + timedelta(days=3)
    items = [
        line("a", 10, created_at=NOW),
        line("b", 10, created_at=NOW + timedelta(hours=1)),
        line("c", 10, created_at=later),
    ]
    allocation = allocate(items)
    assert {entry.freshness for entry in allocation.selected} == {1.0}
    (note,) = allocation.notes
    assert note.startswith("2 items have a created_at after now")
    assert f"'c' with {later}" in note


def test_the_ends_of_the_calendar_are_usable() -> None:
    items = [line("a", 10, created_at=datetime.min), line("b", 10, created_at=datetime.max)]
    allocation = allocate(items, now=NAIVE)
    assert [entry.freshness for entry in sorted(allocation.selected, key=lambda e: e.id)] == [0, 1]


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        pytest.param([[1.0, 0.0]], "shape", id="two-dimensions"),
        pytest.param(["a", "b"], "query_embedding", id="words"),
        pytest.param([10**400], "query_embedding", id="an-integer-over-every-float"),
    ],
)
def test_a_query_embedding_that_is_no_vector_is_refused(vector: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        allocate([line("a", 10, embedding=[1.0, 0.0])], query_embedding=vector)


@pytest.mark.parametrize(
    ("embedder", "message"),
    [
        pytest.param(lambda texts: [1.0], r"shape \(1,\) for 1 texts", id="flat"),
        pytest.param(lambda texts: [[1.0]] * 5, r"shape \(5, 1\)", id="too-many"),
        pytest.param(lambda texts: [["a"]] * len(texts), "numbers", id="words"),
        pytest.param(lambda texts: None, "shape|numbers", id="nothing"),
    ],
)
def test_an_embedder_with_another_result_is_refused(embedder: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"the embedder returned .*({message})"):
        allocate([line("a", 10), line("b", 10)], embedder=embedder)


def test_a_query_that_is_not_a_text_is_refused() -> None:
    with pytest.raises(InputError, match="query must be a text, got int"):
        allocate([line("a", 10)], query=7)


def test_previous_must_be_an_allocation() -> None:
    with pytest.raises(
        InputError, match="previous must be an Allocation, a PreviousPrompt or None, got str"
    ):
        allocate([line("a", 10)], previous="the prompt of before")


def test_a_token_counter_that_cannot_count_is_refused_at_once() -> None:
    with pytest.raises(InputError, match="token_counter must be"):
        MemoryBudgetAllocator(token_counter=7)


@pytest.mark.parametrize("wrong", [-1, 1.5, None], ids=repr)
def test_a_counter_that_gives_no_count_is_named(wrong: Any) -> None:
    allocator = MemoryBudgetAllocator(lambda text: wrong)
    with pytest.raises(InputError, match="a count must be an integer"):
        allocator.allocate_memory_budget("?", [line("a", 10)])


@pytest.mark.parametrize(
    "text", ["- a\n- b\n", "just text\n", "7\n", "workspaces: [1]\n", ""], ids=repr
)
def test_a_file_that_is_not_a_mapping_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigFileError, match=r"settings\.yaml") as caught:
        MemoryBudgetConfigLoader.load_from_yaml(path)
    assert caught.value.problems
    with pytest.raises(ConfigFileError):
        MemoryBudgetAllocator.from_yaml(path)


@pytest.mark.parametrize("where", ["directory", "missing-directory", "under-a-file"])
def test_a_log_file_that_cannot_be_written_is_a_note(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    path = {
        "directory": tmp_path,
        "missing-directory": tmp_path / "none" / "log.jsonl",
        "under-a-file": tmp_path / "file" / "log.jsonl",
    }[where]
    allocator = MemoryBudgetAllocator(CharCounter())
    allocator.register_workspace(WorkspaceConfig(workspace_id="w", logging={"path": str(path)}))
    allocation = allocator.allocate_memory_budget("?", [line("a", 10)], "w", 50)
    assert [entry.id for entry in allocation.selected] == ["a"]
    (note,) = allocation.notes
    assert str(path) in note
    assert "could not be written" in note
    assert allocator.get_allocation_statistics("w").allocation_count == 1


def test_bad_input_leaves_the_allocator_usable() -> None:
    allocator = MemoryBudgetAllocator(CharCounter())
    good = [line("a", 10)]
    with pytest.raises(DuplicateItemError):
        allocator.allocate_memory_budget("?", [*good, *good])
    with pytest.raises(InputError):
        allocator.allocate_memory_budget("?", good, budget_tokens=0)
    assert len(allocator.allocate_memory_budget("?", good, budget_tokens=50).selected) == 1
    assert allocator.get_allocation_statistics().allocation_count == 1


@pytest.mark.parametrize(
    "said_by",
    [
        pytest.param(np.zeros(2), id="array"),
        pytest.param({}, id="mapping"),
        pytest.param(["Kate"], id="list"),
        pytest.param(1.5, id="fraction"),
        pytest.param("", id="empty"),
        pytest.param(None, id="none"),
    ],
)
@pytest.mark.parametrize("key", ["speaker", "role"])
@pytest.mark.parametrize("template", ["{text}", "[{speaker}: ]{text}"])
def test_who_speaks_is_not_known_where_metadata_name_nobody(
    said_by: Any, key: str, template: str
) -> None:
    settings = {"rendering": {"format": "messages", "line_templates": {"working": template}}}
    items = [MemoryItem("a", "yes", "working", metadata={key: said_by})]
    assert "- yes\n" in allocate(items, settings=settings).prompt_text


def test_a_user_of_a_database_is_a_name_by_its_number() -> None:
    settings = {"rendering": {"line_templates": {"rag": "{speaker}: {text}"}}}
    item = MemoryItem("a", "yes", "rag", metadata={"speaker": 7, "role": "user"})
    assert "- 7: yes\n" in allocate([item], settings=settings).prompt_text


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda one: one.decision(["a"]), r"item_id must be a text, got \['a'\]"),
        (lambda one: one.decision(np.zeros(2)), "item_id must be a text, got array"),
        (lambda one: one.decision("b"), "no item 'b' was handed in"),
        (lambda one: one.explain(max_rows=-1), "max_rows must be an integer >= 0, got -1"),
        (lambda one: one.explain(max_rows=1.5), "max_rows must be an integer >= 0, got 1.5"),
        (lambda one: one.explain(max_rows={}), "max_rows must be an integer >= 0, got {}"),
        (lambda one: one.explain(max_rows=True), "max_rows must be an integer >= 0, got True"),
        (lambda one: one.explain(max_rows=10**400), "max_rows must be at most"),
        (lambda one: one.estimated_cost("before"), "previous must be an Allocation, a Prev"),
        (lambda one: one.budget_curve([10**400]), "a budget must be at most"),
        (lambda one: one.budget_curve(5), "budgets must be a sequence"),
    ],
)
def test_an_unusable_question_to_a_result_names_the_argument(read: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}"):
        read(allocate([line("a", 10)]))


@pytest.mark.parametrize("budget", [10**400, 2**63, -(10**400)], ids=["10**400", "2**63", "below"])
def test_a_budget_that_no_column_can_hold_is_refused(budget: int) -> None:
    with pytest.raises(InputError, match=r"^budget_tokens must be"):
        allocate([line("a", 10)], budget)


@pytest.mark.parametrize("borrowing", [True, False])
@pytest.mark.parametrize("budget", [2**40, 2**50 + 1, 2**53, 2**62, sys.maxsize], ids=repr)
def test_the_largest_budgets_take_all(budget: int, borrowing: bool) -> None:
    items = [line("a", 10), line("b", 10, "project"), line("c", 10, pinned=True)]
    allocation = allocate(items, budget, settings={"borrowing": borrowing})
    assert sorted(allocation.selected_ids) == ["a", "b", "c"]
    assert allocation.budget_tokens == budget
    followed = allocate(items, budget, settings={"borrowing": borrowing}, previous=allocation)
    assert followed.prompt_text == allocation.prompt_text


@pytest.mark.parametrize("count", [2**63, 10**400, 10**5000], ids=["2**63", "400", "5000"])
def test_a_count_of_more_than_64_bits_is_refused_with_the_counter(count: int) -> None:
    allocator = MemoryBudgetAllocator(lambda text: count)
    with pytest.raises(InputError, match=r"token counter 'callable#.* a count must be at most"):
        allocator.allocate_memory_budget("?", [line("a", 10)])


@pytest.mark.parametrize("pool", [list, MemoryPool.from_items], ids=["list", "pool"])
def test_counts_whose_sum_has_more_than_64_bits_are_too_large(pool: Any) -> None:
    items = [line(f"m{n}", 10, group="g") for n in range(40)]
    allocator = MemoryBudgetAllocator(lambda text: 2**62 if text else 0)
    allocation = allocator.allocate_memory_budget("?", pool(items))
    assert allocation.omission_counts() == {OmissionReason.TOO_LARGE: 40}
