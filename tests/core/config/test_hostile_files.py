"""Settings files that are large, endless or full of mistakes: bounded time, short messages."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from allocators import allocator_with
from counted_work import calls_in

from mba_integrations import MemoryBudgetAllocator, MemoryBudgetConfigLoader
from mba_integrations.core.config import yaml_nodes
from mba_integrations.core.config.file_settings import MOST_PROBLEMS
from mba_integrations.core.config.yaml_document import parse_yaml
from mba_integrations.core.config.yaml_nodes import MAX_DEPTH, UnreadableFileError
from mba_integrations.testing import CharacterCounter


def problems(path: Path, text: str) -> tuple[str, ...]:
    path.write_text(text, encoding="utf-8")
    return MemoryBudgetConfigLoader.validate(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


def work_of(text: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Calls made while a text is read, and keys copied from one mapping to another."""
    copied = 0
    join = yaml_nodes._first_counts

    def counted(parts: list[yaml_nodes.Pairs]) -> yaml_nodes.Pairs:
        nonlocal copied
        copied += sum(map(len, parts))
        return join(parts)

    with monkeypatch.context() as patched:
        patched.setattr(yaml_nodes, "_first_counts", counted)
        return calls_in(lambda: parse_yaml(text)) + copied


def merged_list(count: int) -> str:
    anchors = "".join(f"x{n}: &b{n} {{k{n}: 1}}\n" for n in range(count))
    return f"{anchors}w:\n  <<: [{', '.join(f'*b{n}' for n in range(count))}]\n"


def merged_one_by_one(count: int) -> str:
    anchors = "".join(f"x{n}: &b{n} {{k{n}: 1}}\n" for n in range(count))
    return anchors + "w:\n" + "".join(f"  <<: *b{n}\n" for n in range(count))


@pytest.mark.parametrize(
    "text_of",
    [
        pytest.param(lambda count: "a: 1\n" * count, id="one-key-many-times"),
        pytest.param(lambda count: "".join(f"a{n}: 1\n" for n in range(count)), id="many-keys"),
        pytest.param(merged_list, id="one-merge-of-many"),
        pytest.param(merged_one_by_one, id="many-merges"),
    ],
)
def test_four_times_the_text_is_four_times_the_work(
    text_of: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parse_yaml("a: 1")  # imports PyYAML
    small, large = (work_of(text_of(count), monkeypatch) for count in (300, 1200))
    assert large < 4.5 * small


@pytest.mark.parametrize(
    "text_of",
    [
        pytest.param(lambda n: f"x{n}: &b{n} [*b{n - 1}]\n", id="aliases"),
        pytest.param(lambda n: f"x{n}: &b{n} {{<<: *b{n - 1}}}\n", id="merges"),
    ],
)
def test_what_names_what_names_is_as_deep_as_if_it_were_written_out(
    text_of: Callable[[int], str],
) -> None:
    def chain(length: int) -> str:
        return "x0: &b0 {}\n" + "".join(map(text_of, range(1, length)))

    assert parse_yaml(chain(MAX_DEPTH - 1)).value["x0"] == {}
    with pytest.raises(UnreadableFileError, match="nested more than 64 levels deep"):
        parse_yaml(chain(MAX_DEPTH))


def test_of_several_merges_the_first_counts_and_own_keys_count_most() -> None:
    text = "x-a: &a {k: 1, m: 1}\nx-b: &b {k: 2, n: 2, o: 2}\nw: {<<: [*a, *b], o: 3}\n"
    assert parse_yaml(text).value["w"] == {"k": 1, "m": 1, "n": 2, "o": 3}


def test_of_many_problems_the_first_are_told_and_the_rest_counted(path: Path) -> None:
    text = "workspaces: {w: {}}\n" + "".join(f"k{n}: 1\n" for n in range(3000))
    told = problems(path, text)
    assert len(told) == MOST_PROBLEMS + 1
    assert told[-1] == f"{path}: {3000 - MOST_PROBLEMS:,} more problems."
    assert told[0].startswith(f"{path}:2: k0: no such setting")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("workspaces: {w: {}}\n? " + "k" * 100_000 + "\n: 1\n", id="key"),
        pytest.param("workspaces: {w: !" + "t" * 100_000 + " 1}\n", id="tag"),
        pytest.param("workspaces: {w: {}}\n1" + "0" * 100_000 + ": 1\n", id="number-as-key"),
        pytest.param("workspaces:\n  w: {description: [" + "x" * 100_000 + "]}\n", id="value"),
    ],
)
def test_a_problem_is_told_in_a_short_line(path: Path, text: str) -> None:
    told = problems(path, text)
    assert told
    assert all(len(line) < 1000 for line in told)


def test_the_note_of_an_invalid_file_is_short(path: Path) -> None:
    path.write_text("workspaces: {chat: {}}\n", encoding="utf-8")
    allocator = MemoryBudgetAllocator.from_yaml(path, reload=True, token_counter=CharacterCounter())
    fresh = path.with_suffix(".new")
    fresh.write_text("workspaces:\n" + "".join(f"  k{n}: 1\n" for n in range(2000)))
    fresh.replace(path)
    (note,) = allocator.allocate_memory_budget("?", [], "chat").notes
    assert len(note) < 2000
    assert "settings.yaml:2: workspaces.k0" in note
    assert note.endswith(" more.")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(path: Path) -> None:
    os.mkfifo(path)
    assert MemoryBudgetConfigLoader.validate(path) == (
        f"{path}: it is a pipe or a device, must be a regular file.",
    )


def test_a_workspace_may_repeat_its_key_and_use_the_flat_names_of_shares(path: Path) -> None:
    path.write_text(
        "workspaces:\n  a:\n    workspace_id: a\n    tier_allocation:\n"
        "      working_memory_pct: 0.1\n      project_memory_pct: 0.2\n"
        "      long_term_memory_pct: 0.3\n      rag_memory_pct: 0.4\n"
    )
    config = MemoryBudgetConfigLoader.load_workspace(path, "a")
    assert (config.workspace_id, config.rag_memory_pct) == ("a", 0.4)
    allocator_with(config)
