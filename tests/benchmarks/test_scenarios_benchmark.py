"""The scenario benchmark judges as its page says, on scenarios made for the test."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks.scenario_data import Choice, Scenario, choice_of, judged, load_scenarios
from benchmarks.scenario_methods import (
    Ranking,
    at_random,
    bm25,
    filled,
    line_tokens,
    newest_first,
)
from benchmarks.scenarios import main, mean
from mba_integrations import MemoryBudgetAllocator

KEY, DOOR, LUNCH, OLD = (
    "The key hangs behind the door.",
    "The door code is 4711.",
    "Lunch comes at noon.",
    "The door code is 1200.",
)


def record(**changes: Any) -> dict[str, Any]:
    texts = {"key": KEY, "door": DOOR, "lunch": LUNCH, "old": OLD}
    items = [
        {"id": name, "content": text, "tier": "project", "created_at": f"2026-01-0{day}T00:00:00"}
        for day, (name, text) in enumerate(texts.items(), start=1)
    ]
    return {
        "id": "s1",
        "kind": "numbers",
        "tags": ["updated_fact", "numbers"],
        "query": "What is the door code?",
        "now": "2026-02-01T00:00:00",
        "budget_tokens": 40,
        "items": items,
        "needed": ["door"],
        "alternatives": [["key", "lunch"]],
        "harmful": ["old"],
        **changes,
    }


def written(folder: Path, *records: dict[str, Any]) -> Path:
    path = folder / "scenarios.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in records) + "\n\n", encoding="utf-8")
    return path


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return load_scenarios(written(tmp_path, record()))[0]


def chosen(*ids: str, whole: set[str] | None = None) -> Choice:
    tokens = dict.fromkeys(("key", "door", "lunch", "old"), 5)
    return Choice(
        ids=frozenset(ids),
        whole=frozenset(ids if whole is None else whole),
        used_tokens=5 * len(ids),
        tokens=tokens,
    )


def test_a_scenario_is_read_from_the_file_or_from_its_folder(tmp_path: Path) -> None:
    path = written(tmp_path, record())
    assert load_scenarios(path) == load_scenarios(tmp_path)
    one = load_scenarios(path)[0]
    assert one.kinds == ("numbers", "updated_fact")
    assert one.needs == (("door",), ("key", "lunch"))
    assert not one.nothing_needed


@pytest.mark.parametrize(
    ("ids", "recall", "full", "harm", "junk"),
    [
        pytest.param((), 0.0, 0.0, 0.0, 0.0, id="nothing"),
        pytest.param(("door",), 0.5, 0.0, 0.0, 0.0, id="half"),
        pytest.param(("door", "key"), 1.0, 1.0, 0.0, 0.0, id="all"),
        pytest.param(("door", "lunch"), 1.0, 1.0, 0.0, 0.0, id="the-other-alternative"),
        pytest.param(("door", "key", "old"), 1.0, 1.0, 0.0, 0.0, id="harm-accompanied"),
        pytest.param(("old", "key"), 0.5, 0.0, 1.0, 0.0, id="harm-while-something-is-missing"),
    ],
)
def test_a_choice_is_judged(
    scenario: Scenario, ids: tuple[str, ...], recall: float, full: float, harm: float, junk: float
) -> None:
    found = judged(scenario, chosen(*ids))
    assert (found.recall, found.full, found.harm, found.junk) == (recall, full, harm, junk)


@pytest.mark.parametrize(
    ("corrections", "ids", "misleads"),
    [
        pytest.param({"old": ["door"]}, ("old", "door"), False, id="put-right"),
        pytest.param({"old": ["door"]}, ("old", "key"), True, id="not-put-right"),
        pytest.param({"old": []}, ("old", "door", "key"), True, id="nothing-puts-it-right"),
    ],
)
def test_a_harmful_item_misleads_unless_a_correction_is_in(
    tmp_path: Path, corrections: dict[str, list[str]], ids: tuple[str, ...], misleads: bool
) -> None:
    one = load_scenarios(written(tmp_path, record(corrections=corrections)))[0]
    assert bool(judged(one, chosen(*ids)).misleading) is misleads


def test_a_passage_without_its_span_meets_no_need(scenario: Scenario) -> None:
    assert judged(scenario, chosen("door", "key", whole={"key"})).missing == (("door",),)


def test_tokens_of_items_without_a_label_are_junk(tmp_path: Path) -> None:
    one = load_scenarios(written(tmp_path, record(alternatives=[], related=["key"])))[0]
    assert judged(one, chosen("door", "key", "lunch")).junk == pytest.approx(1 / 3)


def test_where_nothing_is_needed_there_is_no_recall(tmp_path: Path) -> None:
    one = load_scenarios(written(tmp_path, record(needed=[], alternatives=[], harmful=[])))[0]
    found = judged(one, chosen("door"))
    assert one.nothing_needed
    assert all(math.isnan(one) for one in (found.recall, found.full, found.harm))
    assert found.fill == 5 / 40


def test_the_choice_of_the_library_is_read_from_its_allocation(scenario: Scenario) -> None:
    allocation = MemoryBudgetAllocator().allocate_memory_budget(
        scenario.query, scenario.items, budget_tokens=scenario.budget_tokens, now=scenario.now
    )
    found = choice_of(allocation, scenario)
    assert found.ids == set(allocation.selected_ids) == found.whole
    assert found.used_tokens == allocation.used_tokens


def test_bm25_takes_only_what_shares_a_word_with_the_query(scenario: Scenario) -> None:
    ranking = bm25(scenario)
    assert ranking.scores["lunch"] == 0.0 < ranking.scores["key"] < ranking.scores["door"]
    taken = filled(scenario, ranking, 100, line_tokens(scenario))
    assert taken.ids == {"key", "door", "old"}


def test_the_newest_is_taken_first(scenario: Scenario) -> None:
    tokens = line_tokens(scenario)
    heading = 3
    choice = filled(scenario, newest_first(scenario), tokens["old"] + heading, tokens)
    assert choice.ids == {"old"}


def test_what_is_taken_costs_what_the_library_counts(scenario: Scenario) -> None:
    everything = filled(scenario, newest_first(scenario), 1000, line_tokens(scenario))
    allocation = MemoryBudgetAllocator().allocate_memory_budget(
        scenario.query, scenario.items, budget_tokens=1000, now=scenario.now
    )
    assert everything.ids == set(allocation.selected_ids)
    assert everything.used_tokens == allocation.used_tokens


def test_a_group_is_taken_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    items = [{**item, "group": "g"} for item in record()["items"]]
    one = load_scenarios(written(tmp_path, record(items=items)))[0]
    tokens = line_tokens(one)
    ranking = Ranking({"door": 1.0, "key": 0.0, "lunch": 0.0, "old": 0.0}, floor=0.5)
    assert filled(one, ranking, 1000, tokens).ids == tokens.keys()
    assert not filled(one, ranking, sum(tokens.values()), tokens).ids


def test_lots_are_the_same_for_the_same_seed(scenario: Scenario) -> None:
    assert at_random(1)(scenario) == at_random(1)(scenario) != at_random(2)(scenario)


def test_a_mean_of_nothing_is_unknown() -> None:
    assert math.isnan(mean([math.nan]))


def test_the_program_prints_totals_kinds_and_misses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(
        tmp_path,
        record(budget_tokens=12, needed=[], alternatives=[["door", "old"], ["key", "lunch"]]),
        record(id="s2", needed=[], alternatives=[], harmful=[], kind="irrelevant", tags=[]),
    )
    out = tmp_path / "out.json"
    main(["--data", str(path), "--embedder", "none", "--alone", "--misses", "--out", str(out)])
    printed = capsys.readouterr().out
    assert "2 scenarios, embedder none" in printed
    assert "| library | 0.50 |" in printed
    assert "s1 numbers: 'What is the door code?'" in printed
    assert "missing key or lunch project" in printed
    assert len(json.loads(out.read_text(encoding="utf-8"))["library"]) == 2
