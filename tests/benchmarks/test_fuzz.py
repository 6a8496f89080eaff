"""The fuzz run: it covers the public API, repeats itself by seed, and finds planted faults."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mba_integrations
from benchmarks import fuzz, fuzz_values
from benchmarks.fuzz_core import Call, calling
from benchmarks.fuzz_values import CallersError, Draw, Refusing
from mba_integrations import InputError, MemoryItem, langchain, llamaindex

# What no target calls by its name: what calls give back, enumerations, protocols and errors; and
# two that need a model of a framework to be made.
RESULTS = {
    *("Allocation", "AllocationStatistics", "BudgetPoint", "Candidate", "ComplexityEstimate"),
    *("ItemOrder", "LifecycleReview", "MemoryTier", "OmissionReason", "Omitted", "PreviousPrompt"),
    *("PromptFormat", "PromptLayout", "QueryComplexity", "ScoringMethod", "Selected"),
    *("TierAllocation", "TokenCounter", "__version__", "MemorySource", "BudgetAllocationEvent"),
    *("BudgetedFunctionCallingLLM", "AllocationSession", "AllocationRecord", "MovesRecord"),
    *("LoggingSettings", "PerformanceSettings"),
    *("LogStore", "LogMemory", "SessionStore", "SessionMemory"),
    *("WorkspaceStore", "WorkspaceMemory"),
}


def planted(monkeypatch: pytest.MonkeyPatch, make: Callable[[Draw], Call], name: str = "p") -> None:
    monkeypatch.setattr(fuzz, "TARGETS", {name: make})


def kinds(report: fuzz.Report) -> list[str]:
    return [finding.what for finding in report.findings]


def test_every_public_name_is_called_or_is_a_result() -> None:
    sources = "".join(
        Path(fuzz.__file__).with_name(f"fuzz_{part}.py").read_text(encoding="utf-8")
        for part in ("core", "files", "langchain", "llamaindex", "services", "values")
    )
    public = {*mba_integrations.__all__, *langchain.__all__, *llamaindex.__all__}
    called = {name for name in public if f"{name}(" in sources or f"{name}," in sources}
    called |= {name for name in public if f"{name}." in sources}
    errors = {name for name in public if name.endswith("Error")}
    assert public - called - errors - RESULTS == set()


def test_a_few_hundred_calls_end_and_are_the_same_again() -> None:
    numbers = range(300)
    first, again = (fuzz.run(4, numbers, most_seconds=1.0) for _ in range(2))
    assert set(first.calls) == set(fuzz.TARGETS)
    assert sum(first.calls.values()) == len(numbers)
    assert sum(first.refused.values()) < len(numbers)
    assert told(first) == told(again)


def told(report: fuzz.Report) -> list[tuple[int, str]]:
    """What was found, without what the speed of the machine decides."""
    timed = ("TooLong", "took more")
    return [(one.number, one.what) for one in report.findings if not one.what.startswith(timed)]


def raises(error: Exception) -> Callable[[Draw], Call]:
    def fail() -> None:
        raise error

    return lambda _: calling(fail)


@pytest.mark.parametrize(
    ("error", "found"),
    [
        pytest.param(ValueError("x"), ["ValueError at the caller"], id="not-ours"),
        pytest.param(OverflowError("x"), ["OverflowError at the caller"], id="of-a-library"),
        pytest.param(InputError("x"), [], id="ours"),
        pytest.param(CallersError("x"), [], id="of-the-caller"),
    ],
)
def test_an_exception_that_is_not_ours_is_found(
    monkeypatch: pytest.MonkeyPatch, error: Exception, found: list[str]
) -> None:
    planted(monkeypatch, raises(error))
    report = fuzz.run(1, range(1))
    assert kinds(report) == found
    assert report.refused["p"] == (not found)


def test_what_pydantic_refuses_is_right_for_adapters_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def ledger(_: Draw) -> Call:
        return calling(llamaindex.BudgetLedger, budget_tokens=-1)

    planted(monkeypatch, ledger, "llamaindex.BudgetLedger")
    assert kinds(fuzz.run(1, range(1))) == []
    planted(monkeypatch, ledger, "core")
    assert kinds(fuzz.run(1, range(1))) == ["ValidationError at the caller"]


def test_an_input_that_changed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def changes(_: Draw) -> Call:
        vector, items = np.zeros(2), [{"a": [1]}]
        return calling(lambda vector, items: items[0]["a"].append(2), vector=vector, items=items)

    planted(monkeypatch, changes)
    assert kinds(fuzz.run(1, range(1))) == ["an input was changed"]


def test_a_call_above_the_bound_is_found_and_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def turns(_: Draw) -> Call:
        def run() -> Iterator[str]:
            while True:
                time.process_time()

        return Call(run)

    planted(monkeypatch, turns)
    stopped, slow = kinds(fuzz.run(1, range(1), most_seconds=0.05))
    assert stopped.startswith("TooLong")
    assert slow == "took more than 0.05 s of CPU time"


def test_a_prompt_over_its_budget_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from mba_integrations.core.result.allocation import Allocation

    monkeypatch.setattr(
        Allocation, "__getattribute__", lambda self, name: 10**9 if name == "used_tokens" else
        object.__getattribute__(self, name)
    )  # fmt: skip
    found = fuzz.run(1, range(0, 40 * len(fuzz.TARGETS)), targets={"session"})
    assert any(what.startswith("over budget: 1000000000 of") for what in kinds(found))


def test_a_lost_item_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from mba_integrations.core.result.allocation import Allocation

    monkeypatch.setattr(Allocation, "omitted", ())
    found = fuzz.run(1, range(0, 40 * len(fuzz.TARGETS)), targets={"session"})
    assert any(what.startswith("items lost") for what in kinds(found))


def test_a_raw_exception_within_the_library_names_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from mba_integrations.core.layout.renderer import Renderer

    monkeypatch.setattr(Renderer, "opening", lambda self, tier: 1 / 0)
    found = fuzz.run(1, range(0, 9 * len(fuzz.TARGETS)), targets={"session"})
    assert any(what.startswith("ZeroDivisionError at core/") for what in kinds(found))


def test_values_of_a_call_follow_from_seed_and_number() -> None:
    drawn = [repr([Draw(1, number).fields() for number in range(20)]) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert repr(Draw(1, 1).fields()) != repr(Draw(2, 1).fields())


def test_long_texts_are_drawn_but_seldom() -> None:
    long = sum(len(Draw(1, number).text()) >= fuzz_values.LONG_TEXT for number in range(1500))
    assert 0 < long < 50


@pytest.mark.parametrize("use", [str, len, bool, hash, list, lambda one: one == one])
def test_a_refusing_object_raises_on_each_use(use: Callable[[Any], Any]) -> None:
    with pytest.raises(CallersError):
        use(Refusing())


def test_a_finding_has_what_makes_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(draw: Draw) -> Call:
        return calling(lambda given: {}[given], given="\x1b[31m" + draw.words(2) + "x" * 999)

    planted(monkeypatch, wrong)
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    assert fuzz.main(["--calls", "2", "--seed", "5"]) == 1
    printed = capsys.readouterr().out
    assert "python -m benchmarks.fuzz --calls 2 --seed 5 | seed 5" in printed
    assert "2 × p: KeyError at the caller" in printed
    assert "--replay 5:0  given=" in printed
    assert "\x1b" not in printed
    assert "x" * 400 not in printed
    with pytest.raises(KeyError):
        fuzz.main(["--replay", "5:0"])


def test_without_findings_the_run_ends_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planted(monkeypatch, lambda _: calling(MemoryItem, "a", "b", "rag"))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    assert fuzz.main(["--calls", "3", "--only", "p"]) == 0
    assert "3 calls, 0 findings of 0 kinds" in capsys.readouterr().out
