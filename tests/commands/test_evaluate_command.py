"""`mba evaluate`: what settings bring of what questions need, and an exit code for CI."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import done, mba, refused
from memory_commands import database, remembered, said

__all__ = ["database"]  # a fixture


@pytest.fixture
def facts(database: Path) -> list[str]:
    """Ids of twelve invoices, and of where Kate lives."""
    remembered(*(f"Ben paid invoice {number} in cash on Friday." for number in range(12)))
    [home] = remembered("Kate lives in Lisbon, near the harbour.")
    return [home]


@pytest.fixture
def file(tmp_path: Path, facts: list[str]) -> str:
    """Of three questions one gets all, one half, one nothing: its memory is one of twelve alike."""
    return written(
        tmp_path,
        {"query": "Where does Kate live?", "needed": facts, "budget_tokens": 40},
        {
            "query": "Kate by the harbour?",
            "needed_text": ["invoice 7", "harbour"],
            "budget_tokens": 17,
        },
        {"query": "Where does Kate live?", "needed_text": "invoice 9", "budget_tokens": 17},
    )


def written(folder: Path, *questions: dict[str, Any]) -> str:
    path = folder / "questions.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in questions), encoding="utf-8")
    return str(path)


def test_figures_of_the_settings_of_now(file: str, facts: list[str]) -> None:
    found = said("evaluate", file)
    now = found["now"]
    assert (now["whole"], now["evidence"]["value"], now["figures"]["evidence"]) == (1, 0.5, 0.5)
    assert found["tried"] is found["gain"] is None
    assert found["not_there"] == []
    assert [one["missing"] for one in now["prompts"][:1]] == [{}]
    [half, nothing] = [one["missing"] for one in now["prompts"][1:]]
    assert {*half.values(), *nothing.values()} == {"outranked"}
    shown = done("evaluate", file)
    assert shown.startswith("3 questions")
    assert "of what is needed, in prompts" in shown
    assert "50.0%" in shown
    assert "Miss something: 2 " in shown


def test_the_worst_questions_come_first_with_what_they_miss_and_why(file: str) -> None:
    lines = [line.split("  ") for line in done("evaluate", file).splitlines() if " of " in line]
    rows = [[part.strip() for part in line if part.strip()] for line in lines[-2:]]
    assert [row[:3] for row in rows] == [
        ["0 of 1", "Where does Kate live?", "outranked"],
        ["1 of 2", "Kate by the harbour?", "outranked"],
    ]
    assert [row[-1] for row in rows] == [
        "Ben paid invoice 9 in cash on Friday.",
        "Ben paid invoice 7 in cash on Friday.",
    ]


def test_other_settings_stand_beside_those_of_now(file: str, tmp_path: Path) -> None:
    found = said("evaluate", file, "--set", "token_price=1000")
    assert found["tried"]["evidence"]["value"] == 0.0
    assert found["evidence_points"]["value"] == -50.0
    assert {*found["tried"]["prompts"][0]["missing"].values()} == {"below_price"}
    shown = done("evaluate", file, "--set", "token_price=1000")
    assert "-50.0 points of what is needed by what is tried, 95 % interval" in shown
    assert "1 of 1   0 of 1   Where does Kate live?   below_price" in shown
    config = tmp_path / "w.yaml"
    config.write_text("workspaces:\n  default:\n    scoring:\n      token_price: 1000\n", "utf-8")
    by_file = said("evaluate", file, "--config", str(config))
    assert by_file["tried"]["figures"] == found["tried"]["figures"]


def test_a_setting_that_brings_all_shows_what_was_missed(file: str) -> None:
    free = {"query": "Kate?", "needed_text": "invoice"}
    path = written(Path(file).parent, free)
    shown = done("evaluate", path, "--set", "max_total_tokens=20")
    assert "12 of 12" in shown
    assert "and 9 more" in shown


def test_the_screen_is_not_filled_with_questions(file: str, tmp_path: Path) -> None:
    missed = {"query": "Kate?", "needed_text": "invoice 9", "budget_tokens": 17}
    path = written(tmp_path, *[missed] * 23)
    assert "Miss something: 23; the first 20" in done("evaluate", path)
    assert done("evaluate", path).count("outranked") == 20
    shown = done("evaluate", path, "--all")
    assert "the first" not in shown
    assert shown.count("outranked") == 23


def test_least_is_an_exit_code(file: str) -> None:
    assert mba("evaluate", file, "--least", "0.5").exit_code == 0
    result = mba("evaluate", file, "--least", "0.51")
    assert result.exit_code == 1
    assert (
        "mba: error: 50.0% of what is needed is in the prompts, --least is 51.0%." in result.stderr
    )
    assert result.stdout.startswith("3 questions")
    of_tried = mba("evaluate", file, "--least", "0.5", "--set", "token_price=1000", "--json")
    assert of_tried.exit_code == 1
    assert json.loads(of_tried.stdout)["now"]["whole"] == 1


def test_what_is_not_there_is_noted_and_counts_nowhere(file: str, facts: list[str]) -> None:
    asked = (
        {"query": "Where does Kate live?", "needed": [*facts, "typo"]},
        {"query": "What is new?", "needed": [f"gone{number}" for number in range(6)]},
    )
    result = mba("evaluate", written(Path(file).parent, *asked), "--least", "1")
    assert result.exit_code == 0
    assert result.stdout.startswith("1 question ")
    assert (
        "mba: note: not in the workspace, so not counted as needed: 'typo', 'gone0'"
        in result.stderr
    )
    assert "'gone3' and 2 more\n" in result.stderr
    assert "questions that need nothing else and are left out: 1\n" in result.stderr


def test_questions_come_from_standard_input(file: str) -> None:
    lines = Path(file).read_text("utf-8")
    assert json.loads(done("evaluate", "-", "--json", stdin=lines)) == said("evaluate", file)


def test_nothing_is_logged(file: str) -> None:
    done("evaluate", file)
    assert said("replay")["comparison"]["records"] == 0


@pytest.mark.parametrize(
    ("line", "options", "message"),
    [
        pytest.param('{"query": "a"}', (), "questions.jsonl:1: nothing is needed", id="no-need"),
        pytest.param("", (), "has no question. Write one a line", id="empty"),
        pytest.param(
            '{"query": "a", "needed": "x"}',
            (),
            "has nothing that the questions need: 'x'",
            id="typo",
        ),
        pytest.param(None, ("--least", "80"), "--least is 80. Give a share above 0", id="least"),
        pytest.param(None, ("--least", "nan"), "--least is nan. Give a share above 0", id="nan"),
        pytest.param(None, ("--set", "half_life_days=-1"), "half_life_days", id="out-of-range"),
        pytest.param(None, ("-w", "nobody"), "there is no workspace 'nobody'", id="workspace"),
    ],
)
def test_what_is_wrong_is_named(
    file: str, line: str | None, options: tuple[str, ...], message: str
) -> None:
    if line is not None:
        Path(file).write_text(line, encoding="utf-8")
    assert message in refused("evaluate", file, *options)


def test_a_server_is_not_asked(file: str) -> None:
    message = refused("evaluate", file, "--url", "http://127.0.0.1:9")
    assert "mba evaluate works on a database itself, and not through a server" in message


def test_a_file_that_is_not_there_is_named(database: Path) -> None:
    assert "none.jsonl: cannot be read" in refused("evaluate", "none.jsonl")
