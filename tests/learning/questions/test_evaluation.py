"""What settings bring of what questions need, beside prompts that are made one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replay_records import chosen_settings, pools, record_of_facts, sentences, session_of

from mba_integrations import Allocation, MemoryBudgetAllocator, WorkspaceConfig
from mba_integrations.core.errors import InputError, PinnedOverBudgetError
from mba_integrations.learning.questions.evaluation import (
    NO_PROMPT,
    NOT_CONSIDERED,
    Evaluation,
    evaluate,
)
from mba_integrations.learning.questions.labels import labelled, needed_by
from mba_integrations.learning.replay.records import Feedback, ReplayRecord


def asked(record: ReplayRecord, *needed: str, **changes: Any) -> ReplayRecord:
    return replace(record, feedback=labelled(needed, record.selected_ids), **changes)


def prompts_of(records: list[ReplayRecord], config: WorkspaceConfig) -> list[Allocation | None]:
    """Each prompt after the one before it, by an allocator of their own."""
    allocator = MemoryBudgetAllocator()
    allocator.register_workspace(config)
    found: list[Allocation | None] = []
    previous = None
    for one in records:
        try:
            allocation = allocator.allocate_memory_budget(
                one.query or "", one.candidates, config.workspace_id, now=one.at, previous=previous
            )
        except PinnedOverBudgetError:
            found.append(None)
            continue
        previous = allocation.as_previous
        found.append(allocation)
    return found


def check(found: Evaluation, records: list[ReplayRecord], config: WorkspaceConfig) -> None:
    """Every figure against what is counted in the prompts by hand."""
    prompts = prompts_of(records, config)
    needed = [set(needed_by(one)) for one in records]
    kept = [
        set() if prompt is None else names & set(prompt.selected_ids)
        for names, prompt in zip(needed, prompts, strict=True)
    ]
    share = sum(map(len, kept)) / sum(map(len, needed))
    assert found.evidence.value == found.figures.evidence == pytest.approx(share)
    assert found.evidence.low <= share <= found.evidence.high
    assert found.whole == sum(map(set.__eq__, kept, needed))
    used = [0 if prompt is None else prompt.used_tokens for prompt in prompts]
    assert found.figures.mean_used_tokens == pytest.approx(sum(used) / len(used))
    if sum(used):
        per_tokens = 1000 * sum(map(len, kept)) / sum(used)
        assert found.figures.evidence_per_1000_tokens == pytest.approx(per_tokens)
    for told, names, prompt in zip(found.prompts, needed, prompts, strict=True):
        assert told.needed == len(names)
        if prompt is None:
            assert told.missing == dict.fromkeys(names, NO_PROMPT)
            assert told.problem
        else:
            reasons = {one.id: one.reason.value for one in prompt.omitted}
            assert told.missing == {one: reasons[one] for one in names if one in reasons}
            assert told.kept == len(names) - len(told.missing)


@given(
    found=pools,
    queries=st.lists(sentences, min_size=1, max_size=3),
    now=chosen_settings,
    tried=chosen_settings,
    data=st.data(),
)
@settings(max_examples=12)
def test_figures_are_those_of_the_prompts(
    found: Any, queries: list[str], now: Any, tried: Any, data: st.DataObject
) -> None:
    config = WorkspaceConfig(workspace_id="w", **{"max_total_tokens": 200, **now})
    records = [
        asked(
            one, *data.draw(st.sets(st.sampled_from([it.id for it in one.candidates]), min_size=1))
        )
        for one in session_of(config, found, queries)
    ]
    if not records:
        return
    got = evaluate(records, tried)
    check(got.now, records, config)
    if not tried:
        assert got.tried is None
        return
    assert got.tried is not None
    check(got.tried, records, config.with_changes(**tried))
    assert got.evidence_points is not None
    points = 100 * (got.tried.evidence.value - got.now.evidence.value)
    assert got.evidence_points.value == pytest.approx(points)


def test_the_interval_is_over_sessions() -> None:
    record = record_of_facts(40)
    known, unknown = record.selected_ids[0], "m39"
    assert unknown not in record.selected_ids
    each = [
        asked(
            record, known if number < 8 else unknown, allocation_id=f"q{number:02}", session_id=None
        )
        for number in range(16)
    ]
    apart = evaluate(each).now.evidence
    together = evaluate([replace(one, session_id=f"s{n // 8}") for n, one in enumerate(each)])
    assert apart.value == together.now.evidence.value == 0.5
    assert 0.2 < apart.low < 0.5 < apart.high < 0.8
    assert (together.now.evidence.low, together.now.evidence.high) == (0.0, 1.0)


def test_what_was_no_candidate_is_missing() -> None:
    record = asked(record_of_facts(3), "m0", "somewhere else")
    found = evaluate([record]).now
    assert found.prompts[0].missing == {"somewhere else": NOT_CONSIDERED}
    assert found.evidence.value == 0.5


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"feedback": ()}, id="nothing-said"),
        pytest.param({"query": None, "numbers": {}, "candidates": ()}, id="numbers-alone"),
        pytest.param(
            {"feedback": (Feedback(memory_id="m0", useful=True, origin="cited", weight=1.0),)},
            id="no-label",
        ),
    ],
)
def test_records_without_texts_or_label_are_refused(change: dict[str, Any]) -> None:
    record = replace(asked(record_of_facts(3), "m0"), **change)
    with pytest.raises(InputError, match="record 'a' has no texts or no label"):
        evaluate([record])


def test_records_of_other_settings_are_refused() -> None:
    one = asked(record_of_facts(3), "m0")
    other = asked(record_of_facts(3, allocation_id="b", stability=0.1), "m0")
    with pytest.raises(InputError, match="records 'a' and 'b' have other settings"):
        evaluate([one, other])


def test_nothing_to_decide_is_refused() -> None:
    with pytest.raises(InputError, match="no question"):
        evaluate([])
