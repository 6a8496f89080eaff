"""The stability benchmark measures what it says, on sessions made for the test."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.stability import (
    Outcome,
    Written,
    anew,
    by_id,
    common_tokens,
    followed,
    main,
    measure,
    newest_first,
)
from benchmarks.stability_probe import probe
from benchmarks.stability_sessions import Replay, load_replays

TEXTS = ("You are a helper.", "Where is the log?", "In /var/log.", "And the key?", "In the safe.")


def item(number: int, speaker: str) -> dict[str, Any]:
    return {
        "id": f"t{number}",
        "text": TEXTS[number],
        "tier": "working",
        "created_at": None,
        "meta": {"turn": number, "speaker": speaker},
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    speakers = ("system", "user", "assistant", "user", "assistant")
    record = {
        "pool_id": "one",
        "items": [item(number, speaker) for number, speaker in enumerate(speakers)],
        "queries": [
            {"id": "q", "text": "Where is the key?", "asked_at": None, "evidence": ["t4", "gone"]}
        ],
    }
    with gzip.open(tmp_path / "tau-airline-sessions.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.write(json.dumps(record) + "\n")
    return tmp_path


@pytest.fixture
def replay(folder: Path) -> Replay:
    return load_replays(folder, "tau-airline-sessions")[0]


def test_each_message_that_asks_is_a_turn_over_what_came_before(replay: Replay) -> None:
    asked = [(turn.query, [one.id for one in turn.items]) for turn in replay.turns]
    assert asked == [
        ("Where is the log?", ["t0"]),
        ("And the key?", ["t0", "t1", "t2"]),
        ("Where is the key?", ["t0", "t1", "t2", "t3", "t4"]),
    ]
    assert [turn.evidence for turn in replay.turns] == [(), (), (("t4",),)]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        pytest.param([1, 2, 3], [1, 2, 3], 3, id="equal"),
        pytest.param([1, 2, 3], [1, 2], 2, id="shorter"),
        pytest.param([1, 2, 3], [2, 2, 3], 0, id="the-first-differs"),
        pytest.param([], [1], 0, id="empty"),
    ],
)
def test_common_tokens(left: list[int], right: list[int], expected: int) -> None:
    assert common_tokens(np.array(left), np.array(right)) == expected


def test_a_conversation_that_fits_is_reused_as_a_whole(replay: Replay) -> None:
    outcome = measure([replay], followed(0.6), 1000)
    assert np.isnan(outcome.reused[0])
    assert outcome.reused[1:].tolist() == outcome.tokens[:-1].tolist()
    assert outcome.swapped.tolist() == [0.0, 0.0, 0.0]
    assert outcome.recall[2] == 1.0


def test_figures_are_means_over_all_turns_but_the_first() -> None:
    outcome = Outcome(
        tokens=np.array([10.0, 10.0, 20.0]),
        reused=np.array([np.nan, 5.0, 20.0]),
        swapped=np.array([0.0, 2.0, 0.0]),
        recall=np.array([np.nan, 1.0, 0.0]),
        session=np.zeros(3),
    )
    assert outcome.prefix() == 0.75
    assert outcome.cost(1.0) == pytest.approx((0.5 + 5.0 + 2.0) / 2)
    assert outcome.cost(1.25) == pytest.approx((0.5 + 6.25 + 2.0) / 2)
    assert outcome.churn() == 1.0


def test_the_methods_to_compare_with_are_what_they_say(replay: Replay) -> None:
    assert [prompt.ids for prompt in by_id(replay, 1000)] == [
        prompt.ids for prompt in anew(replay, 1000)
    ]
    newest = newest_first(replay, 16)
    assert [sorted(prompt.ids) for prompt in newest] == [["t0"], ["t1", "t2"], ["t3", "t4"]]
    assert newest[2].text == "## Conversation\n- In the safe.\n- And the key?\n"
    assert Written(text="", ids=frozenset()) == newest_first(replay, 1)[0]


def test_the_command_prints_and_writes_figures(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "figures.json"
    main(
        [
            *("--data", str(folder), "--sets", "tau-airline-sessions"),
            *("--budgets", "1000", "--out", str(out)),
        ]
    )
    figures = json.loads(out.read_text(encoding="utf-8"))["tau-airline-sessions"]["1000"]
    assert figures["default"]["recall"] == 1.0
    assert figures["default"]["prefix"] > figures["newest first"]["prefix"]
    assert "1 sessions, 3 turns" in capsys.readouterr().out


def test_the_probe_keeps_the_prefix_that_must_be_reached() -> None:
    for jitter, least in [(0.05, 0.97), (0.2, 0.90)]:
        found = probe(jitter, 0.13, seeds=3)
        assert found.prefix >= least
        assert found.loss <= 0.01
        assert found.prefix_anew < 0.1
