"""Every example is short, says how it is run, runs as a script, and asserts what it shows."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from repository import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
MOST_LINES = 79


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_as_a_script_from_any_folder(
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    # In a process of its own each would load its framework again, for most of its time.
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out.strip()
    assert not list(tmp_path.iterdir()), "an example leaves no files behind"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_short_and_says_how_it_is_run(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert f"\n\nRun it with: python examples/{path.name}\n\n" in text
    assert "    assert " in text, "what it shows is asserted"


def test_sample_memories_cover_every_tier() -> None:
    from mba_integrations import MemoryTier

    example = runpy.run_path(str(ROOT / "examples" / "memory_budget_example.py"))
    memories = example["create_sample_memories"]()
    assert {item.tier for item in memories} == set(MemoryTier)
    assert len({item.id for item in memories}) == len(memories)
