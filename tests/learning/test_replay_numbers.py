"""Records of numbers alone decide as their texts did, and refuse what only texts decide."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replay_records import WORDS, chosen_settings, pools, record_of_facts, sentences, session_of

from mba_integrations import InputError, WorkspaceConfig
from mba_integrations.learning.replay.files.reading import read_records
from mba_integrations.learning.replay.files.writing import write_records
from mba_integrations.learning.replay.numbers.making import WithoutTexts, without_texts
from mba_integrations.learning.replay.records import ReplayRecord
from mba_integrations.learning.replay.replay import replay

PLAIN = {
    **{"tier": "project", "importance": 0.5, "created_at": None, "pinned": False},
    **{"grouped": False, "relevance": None, "role": None},
}
decidable = st.fixed_dictionaries(
    {},
    optional={
        "token_price": st.sampled_from([0.0, 1e-3, 1e-2]),
        "min_score": st.sampled_from([0.0, 0.2]),
        "stability": st.sampled_from([0.0, 0.5, 1.0]),
        "borrowing": st.booleans(),
        "max_total_tokens": st.integers(60, 400),
        "working_memory_pct": st.just(0.1),
        "rag_memory_pct": st.just(0.45),
    },
)


@given(
    found=pools,
    settings_=chosen_settings,
    queries=st.lists(sentences, min_size=1, max_size=3),
)
@settings(max_examples=80, deadline=None)
def test_numbers_decide_as_their_texts_did_or_are_marked(
    found: list[dict[str, Any]], settings_: dict[str, Any], queries: list[str]
) -> None:
    config = WorkspaceConfig(workspace_id="w", **settings_)
    for record in session_of(config, found, queries):
        bare = without_texts(record)
        [again] = replay([bare])
        assert again.is_exact == again.is_as_then(record)
        # A passage of the prompt before is weighed by its words, a table by its rows.
        passages = [one["passage"] for one in (record.previous or {"items": ()})["items"]]
        assert again.is_exact or any(passages)


@given(found=pools, before=chosen_settings, after=decidable, query=sentences)
@settings(max_examples=60, deadline=None)
def test_other_settings_decide_alike_with_and_without_texts(
    found: list[dict[str, Any]], before: dict[str, Any], after: dict[str, Any], query: str
) -> None:
    config = WorkspaceConfig(workspace_id="w", **before)
    for record in session_of(config, found, [query]):
        [by_numbers] = replay([without_texts(record)], _whole(after))
        [by_texts] = replay([record], _whole(after))
        if by_numbers.is_exact:
            assert replace(by_numbers, value=0.0, problem=None) == replace(
                by_texts, value=0.0, problem=None
            )


def _whole(changes: dict[str, Any]) -> dict[str, Any]:
    """The changes with shares that sum to 1."""
    shares = {"working_memory_pct": 0.3, "rag_memory_pct": 0.25} | {
        name: value for name, value in changes.items() if name.endswith("_pct")
    }
    rest = 1.0 - sum(shares.values())
    return {
        **changes,
        **shares,
        "project_memory_pct": rest / 2,
        "long_term_memory_pct": rest / 2,
    }


def test_no_word_of_the_texts_is_left(tmp_path: Path) -> None:
    record = record_of_facts(12, description="Kate's own")
    path = tmp_path / "r.jsonl"
    write_records([without_texts(record)], path)
    own = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    written = json.dumps([one for one in own if "settings" not in one])
    assert not [word for word in (*WORDS, "invoices", "chat") if word in written]
    assert "Kate" not in path.read_text("utf-8")
    [read] = read_records(path)
    assert all(one.is_as_then(record) for one in replay([read]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("counting", {"model": "gpt-4"}, id="another-tokenizer"),
        pytest.param("rendering", {"format": "xml"}, id="another-layout"),
        pytest.param("complexity", {"medium_points": 9.0}, id="complexity-of-words"),
        pytest.param("passage_min_tokens", 10, id="shorter-passages"),
        pytest.param("duplicate_threshold", 0.5, id="more-duplicates"),
        pytest.param("half_life_days", 1.0, id="half-life-of-usefulness"),
        pytest.param("recent_share", 0.0, id="no-talk"),
    ],
)
def test_what_only_texts_decide_is_refused_by_name(name: str, value: Any) -> None:
    bare = without_texts(record_of_facts(5))
    changes: dict[str, Any] = {name: value}
    if name == "complexity":
        changes = {"complexity": {"medium_points": 3.0}}
    with pytest.raises(InputError, match=f"setting '{name}' cannot be tried"):
        list(replay([bare], changes))


@pytest.mark.parametrize("method", ["weighted_sum", "product"])
def test_half_lives_and_weights_of_a_formula_are_decided_by_numbers(method: str) -> None:
    record = record_of_facts(30, scoring_method=method)
    tried = {
        "half_life_days": 2.0,
        "relevance_weight": 0.1,
        "importance_weight": 0.2,
        "freshness_weight": 0.7,
        "duplicate_threshold": 0.95,
    }
    [by_numbers] = replay([without_texts(record)], tried)
    [by_texts] = replay([record], tried)
    assert by_numbers == by_texts


def test_a_record_of_numbers_stays_one() -> None:
    bare = without_texts(record_of_facts(3))
    assert without_texts(bare) is bare
    assert isinstance(bare, ReplayRecord)


def test_stand_ins_that_look_alike_stand_for_texts_of_other_lengths(tmp_path: Path) -> None:
    found = [
        {**PLAIN, "content": f"Kate paid invoice {number} on Friday {'in Lisbon ' * more}."}
        for more in (0, 4)
        for number in range(8)
    ]
    config = WorkspaceConfig(workspace_id="w", max_total_tokens=80)
    queries = ["Which invoices did Kate pay?"]
    records = [
        replace(record, allocation_id=f"a{place}")
        for place, some in enumerate((found[:8], found[8:], found[:8]))
        for record in session_of(config, some, queries)
    ]
    path = tmp_path / "records.jsonl"
    write_records(map(WithoutTexts().of, records), path)
    read = list(read_records(path))
    assert read[0].candidates is read[1].candidates
    assert [one.used_tokens for one in replay(read)] == [
        record.decided.used_tokens for record in records
    ]
    assert records[0].decided.tokens.keys() != records[1].decided.tokens.keys()
