"""`mba replay`: what other settings would have changed, on the file, a server and a saved file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import done, mba, refused
from memory_commands import database, remembered, said
from served_commands import answering, use_service

from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.memory.service import MemoryService

__all__ = ["database"]  # a fixture
QUERIES = ("Where does Kate live?", "Which invoice did Kate pay?")


@pytest.fixture
def recalls(database: Path) -> list[str]:
    remembered(*(f"Kate paid invoice {number} in Lisbon on Friday." for number in range(12)))
    with MemoryService.open(str(database), background=False) as service:
        service.workspaces.change("default", logging={"include_text": True})
    return [said("recall", query, "--budget-tokens", "90")["allocation_id"] for query in QUERIES]


def compared(*options: str) -> dict[str, Any]:
    found: dict[str, Any] = said("replay", *options)["comparison"]
    return found


def test_the_settings_of_then_change_nothing(recalls: list[str]) -> None:
    found = compared("--since", "1h")
    assert (found["records"], found["equal"], found["entering"], found["leaving"]) == (2, 2, 0, 0)
    assert found["used_tokens"]["before"] == found["used_tokens"]["after"] > 0


def test_other_settings_show_what_goes(recalls: list[str]) -> None:
    found = compared("--set", "token_price=1000")
    assert (found["equal"], found["used_tokens"]["after"]) == (0, 0)
    assert {one["allocation_id"] for one in found["examples"]} == set(recalls)
    shown = done("replay", "--set", "token_price=1000")
    assert shown.startswith("2 recalls, 0 would be decided the same\n")
    assert "tokens of a prompt" in shown


def test_what_was_found_useful_is_counted(recalls: list[str]) -> None:
    [first, *_] = said("replay", "--set", "token_price=1000")["comparison"]["examples"]
    done("feedback", first["allocation_id"], "--cited", first["leaving"][0])
    found = compared("--set", "token_price=1000")
    assert (found["useful"], found["useful_kept"]) == (1, {"before": 1, "after": 0})
    assert "1 were found useful: 1 were in, 0 would be" in done(
        "replay", "--set", "token_price=1000"
    )


def test_settings_of_a_file_are_tried(recalls: list[str], tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text("workspaces:\n  default:\n    scoring:\n      token_price: 1000\n", "utf-8")
    assert compared("--config", str(path))["used_tokens"]["after"] == 0
    assert compared("--config", str(path), "--set", "token_price=null")["equal"] == 2


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_saved_recalls_are_replayed_without_the_database(
    recalls: list[str], tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"recalls.{ending}"
    assert "2 recalls in" in mba("replay", "--save", str(path)).stderr
    monkeypatch.setenv("MBA_DB", str(tmp_path / "none.db"))
    assert compared("--file", str(path), "--workers", "2")["equal"] == 2
    assert compared("--file", str(path), "--since", "2999-01-01")["records"] == 0


def test_recalls_whose_question_was_not_logged_are_counted(database: Path) -> None:
    remembered("Kate lives in Lisbon.")
    said("recall", QUERIES[0])
    shown = mba("replay")
    assert shown.stdout == "0 recalls, 0 would be decided the same\n"
    assert "1 recalls were skipped: question not logged" in shown.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(("--since", "soon"), "--since is 'soon'", id="no-time"),
        pytest.param(("--set", "token_price"), "--set is 'token_price'", id="no-value"),
        pytest.param(("--set", "half_life_days=-1"), "half_life_days", id="out-of-range"),
        pytest.param(("--save", "x.csv"), "must end in .jsonl or .parquet", id="no-format"),
    ],
)
def test_what_is_wrong_is_named(recalls: list[str], options: tuple[str, ...], message: str) -> None:
    assert message in refused("replay", *options)


def test_a_server_is_asked_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MemoryService.open(tmp_path / "served.db", background=False) as service:
        use_service(monkeypatch, service, tmp_path)
        service.create_workspace("default", logging={"include_text": True})
        remembered("Kate lives in Lisbon.", "Kate paid the invoice.")
        said("recall", QUERIES[0])
        tried = ("--set", "token_price=1000")
        with answering(create_app(service, ServerSettings(token="owner"))) as url:
            assert compared(*tried) == compared(*tried, "--url", url)
