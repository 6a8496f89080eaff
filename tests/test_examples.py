"""Every example runs as a script, and each of its functions on its own."""

from __future__ import annotations

import importlib.util
import runpy
from pathlib import Path
from types import ModuleType

import pytest
from repository import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
DEMONSTRATIONS = (
    "demonstrate_basic_allocation",
    "demonstrate_workspace_configs",
    "demonstrate_promotion_demotion",
    "demonstrate_query_complexity",
    "demonstrate_mem0_scoring",
    "demonstrate_statistics",
)


@pytest.fixture(scope="module")
def example() -> ModuleType:
    path = ROOT / "examples" / "memory_budget_example.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


@pytest.mark.parametrize("name", DEMONSTRATIONS)
def test_demonstration_runs_on_its_own_and_prints(
    example: ModuleType, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    getattr(example, name)()
    assert capsys.readouterr().out.strip()


def test_main_runs_every_demonstration(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    for name in DEMONSTRATIONS:
        monkeypatch.setattr(example, name, lambda name=name: called.append(name))
    example.main()
    assert called == list(DEMONSTRATIONS)


def test_sample_memories_cover_every_tier(example: ModuleType) -> None:
    from mba_integrations import MemoryTier

    memories = example.create_sample_memories()
    assert {item.tier for item in memories} == set(MemoryTier)
    assert len({item.id for item in memories}) == len(memories)
