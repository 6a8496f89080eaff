"""`mba tune`: settings are looked for, shown, applied and taken back, on a file and a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from arms import many
from command_line import done, mba, refused
from memory_commands import database, remembered, said
from proposals import found_settings
from served_commands import answering, use_service

from mba_integrations.commands import tune
from mba_integrations.learning.gate.arms import judge_arms
from mba_integrations.learning.tuning import TRIALS
from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.memory.tuning.tuning import JUDGED, SHADOW, SHARE, WATCH

__all__ = ["database"]  # a fixture
SIDE = {
    "evidence": 0.5,
    "evidence_per_1000_tokens": 1.25,
    "mean_used_tokens": 400.0,
    "mean_cost": 380.0,
    "utilisation": 0.4,
    "stability": None,
    "unfit": 0,
}
FOUND = {
    "answer": "proposal",
    "reasons": ["+0.250 needed for each 1,000 tokens."],
    "comparison": {"before": SIDE, "after": {**SIDE, "evidence": 0.75}},
}


def stability(database: Path) -> float:
    with MemoryService.open(database, background=False) as service:
        return service.workspaces.config("default").stability


def test_the_command_has_the_service_s_numbers() -> None:
    assert (tune.TRIALS, tune.SHADOW, tune.WATCH) == (TRIALS, SHADOW, WATCH)
    assert (tune.SHARE, tune.JUDGED) == (SHARE, JUDGED)


def test_a_job_looks_for_settings_and_what_it_finds_is_shown(database: Path) -> None:
    remembered("Kate moved to Lisbon.")
    shown = mba("tune", "show")
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert "nothing was looked for yet" in shown.stderr
    begun = mba("tune", "run", "--trials", "3", "--workers", "0")
    assert "mba: done: job tune-000001 looks for settings" in begun.stderr
    done("jobs", "run")
    assert "too little to say anything" in done("tune", "show")
    one = done("tune", "show", "tune-000001")
    assert one.startswith("tune-000001 is found: too little to say anything.")
    assert "of 300 allocations" in one


def test_a_proposal_is_shown_with_its_proof_applied_and_taken_back(database: Path) -> None:
    remembered("Kate moved to Lisbon.")
    with MemoryService.open(database, background=False) as service:
        found_settings(service, "default", found=FOUND)
    shown = done("tune", "show", "tune-000001")
    assert "tune-000001 is proposal: a gain is proven." in shown
    assert "stability = 0.9" in shown
    assert "50.0%" in shown
    assert "75.0%" in shown
    applied = mba("tune", "apply", "tune-000001", "--shadow", "0")
    assert applied.stderr == "mba: done: tune-000001 is live\n"
    assert stability(database) == 0.9
    back = mba("tune", "rollback", "tune-000001")
    assert "mba: done: tune-000001 is taken back" in back.stderr
    assert said("tune", "show")["proposals"][0]["state"] == "taken_back"
    assert stability(database) != 0.9


def test_who_finds_no_gain_in_a_log_hears_what_would_show_one(database: Path) -> None:
    remembered("Kate moved to Lisbon.")
    verdict = judge_arms(many(200), many(180))
    with MemoryService.open(database, background=False) as service:
        found_settings(service, "default", found={**FOUND, "answer": "no_gain"})
        found_settings(service, "default", "experiment-000001", found=verdict.to_dict())
    assert "`mba tune experiment` can" in mba("tune", "show", "tune-000001").stderr
    assert verdict.answer.value == "no_gain"
    assert mba("tune", "show", "experiment-000001").stderr == ""


def test_an_experiment_is_begun_shown_and_taken_back(database: Path) -> None:
    remembered("Kate moved to Lisbon.")
    begun = mba("tune", "experiment", "--set", "stability=0.9", "--recalls", "400")
    assert begun.stderr == "mba: done: experiment-000001 is running\n"
    done("recall", "Where does Kate live?")
    assert "the arms are compared when enough was said" in done("tune", "show")
    shown = done("tune", "show", "experiment-000001")
    assert "0 of 400 recalls have feedback on their memories." in shown
    assert "stability = 0.9" in shown
    assert "useful weight of a prompt" in shown
    assert stability(database) == 0.7
    back = mba("tune", "rollback", "experiment-000001")
    assert "mba: done: experiment-000001 is taken back" in back.stderr
    with MemoryService.open(database, background=False) as service:
        assert service.workspaces.config("default").experiment is None


def test_the_arms_of_an_experiment_are_shown_beside_each_other(database: Path) -> None:
    remembered("Kate moved to Lisbon.")
    verdict = judge_arms(many(200), many(180, used_tokens=320))
    with MemoryService.open(database, background=False) as service:
        found_settings(service, "default", "experiment-000001", found=verdict.to_dict())
    shown = done("tune", "show", "experiment-000001")
    assert "experiment-000001 is proposal: a gain is proven." in shown
    assert "95 % interval +0.625 to +0.625" in shown
    lines = [line.split() for line in shown.splitlines()]
    assert ["recalls", "200", "180"] in lines
    assert ["tokens", "of", "a", "prompt", "400", "320"] in lines


def test_what_cannot_be_tried_is_refused_by_its_name(database: Path) -> None:
    remembered("Kate moved to Lisbon.")
    for change, said_of in (
        ("stabilty=1", "Did you mean 'stability'?"),
        ("stability", "--set is 'stability'"),
        ("gateway.inject=system", "must not have 'gateway'"),
    ):
        assert said_of in refused("tune", "experiment", "--set", change)


def test_what_cannot_be_is_refused(database: Path) -> None:
    remembered("Kate moved to Lisbon.")
    assert "trials must be" in refused("tune", "run", "--trials", "0")
    assert "watch must be" in refused("tune", "apply", "x", "--watch", "1")
    assert "no proposal 'x'" in refused("tune", "show", "x")
    assert "no proposal 'x'" in refused("tune", "rollback", "x")


def judged(service: MemoryService) -> None:
    """A question of which two memories were needed."""
    service.remember("default", [f"Kate keeps key {number} in Lisbon." for number in range(5)])
    reply = service.recall("default", "Where does Kate keep key 3?")
    service.feedback("default", reply.allocation_id, cited=reply.allocation.selected_ids[:2])


def test_own_coefficients_are_printed_and_applied_on_a_file(database: Path) -> None:
    remembered("Kate moved to Lisbon.")
    silent = mba("tune", "own")
    assert json.loads(silent.stdout) == {}
    assert "nothing to learn from: no recall whose question is logged" in silent.stderr
    with MemoryService.open(database, background=False) as service:
        service.workspaces.change("default", logging={"include_text": True})
        judged(service)
    printed = mba("tune", "own")
    settings = json.loads(printed.stdout)
    assert settings["usefulness"]["learned"].keys() == {"lexical"}
    assert settings["complexity"]["learned"]["weights"]
    assert "learned from 1 recalls" in printed.stderr
    with MemoryService.open(database, background=False) as service:
        assert service.workspaces.config("default").complexity.learned is None
    assert "uses them" in mba("tune", "own", "--apply").stderr
    with MemoryService.open(database, background=False) as service:
        config = service.workspaces.config("default")
        assert config.usefulness.model_dump(mode="json") == settings["usefulness"]
        assert config.complexity.learned is not None


def test_own_coefficients_of_a_server_are_those_of_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MemoryService.open(tmp_path / "served.db", background=False) as service:
        use_service(monkeypatch, service, tmp_path)
        service.create_workspace("default", logging={"include_text": True})
        judged(service)
        with answering(create_app(service, ServerSettings(token="owner"))) as url:
            here, there = mba("tune", "own"), mba("tune", "own", "--url", url)
            assert json.loads(there.stdout)["usefulness"]
            assert (there.stdout, there.stderr) == (here.stdout, here.stderr)
            assert mba("tune", "own", "--apply", "--url", url).exit_code == 0
        assert service.workspaces.config("default").complexity.learned is not None


def test_a_server_is_asked_as_a_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MemoryService.open(tmp_path / "served.db", background=False) as service:
        use_service(monkeypatch, service, tmp_path)
        service.create_workspace("default")
        for number in (1, 2):
            found_settings(service, "default", f"tune-00000{number}", found=FOUND)
        with answering(create_app(service, ServerSettings(token="owner"))) as url:
            for command in (("show",), ("show", "tune-000001"), ("show", "x"), ("apply", "x")):
                here, there = (mba("tune", *command, *where) for where in ((), ("--url", url)))
                assert there.stdout == here.stdout
                assert there.stderr == here.stderr
                assert there.exit_code == here.exit_code
            moved = mba("tune", "apply", "tune-000001", "--shadow", "0", "--url", url)
            assert moved.stderr == "mba: done: tune-000001 is live\n"
            assert service.workspaces.config("default").stability == 0.9
            assert mba("tune", "rollback", "tune-000001", "--url", url).exit_code == 0
            begun = mba("tune", "run", "--trials", "3", "--url", url)
            assert "mba: done: job tune-000003 looks for settings" in begun.stderr
            tried = mba("tune", "experiment", "--set", "stability=0.8", "--url", url)
            assert "mba: done: experiment-000004 is running" in tried.stderr
            assert service.tuning.get("default", "experiment-000004").changes == {"stability": 0.8}
