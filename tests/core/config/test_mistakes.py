"""Mistakes in settings files: each is named with its line, all at once, none as an exception."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.config.file_shape import WORKSPACE_KEYS
from mba_integrations.core.config.loader import MemoryBudgetConfigLoader
from mba_integrations.core.config.yaml_document import MAX_FILE_BYTES
from mba_integrations.core.errors import ConfigFileError

load = MemoryBudgetConfigLoader.load_from_yaml
validate = MemoryBudgetConfigLoader.validate


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "x.yaml"


def problems(file: Path, text: str | bytes) -> list[str]:
    """Problems of a text, each from its line number on."""
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [problem.removeprefix(f"{file}:").strip() for problem in validate(file)]


KNOWN_AT_TOP = "Known are: version, counting, logging, performance, workspaces."


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            "tier_allocation: {working: 0.1, project: 0.2, long_term: 0.2, rag: 0.55}",
            "3: workspaces.a.tier_allocation: shares sum to 1.05, must sum to 1.0. "
            "Lower rag_memory_pct (0.55) by 0.05.",
            id="shares-over-one",
        ),
        pytest.param(
            "rag_memory_pct: 0.15",
            "3: workspaces.a: shares sum to 0.9, must sum to 1.0. "
            "Raise working_memory_pct (0.3) by 0.1.",
            id="shares-under-one",
        ),
        pytest.param(
            "tier_allocation: {rag: 0.3, rag_memory_pct: 0.3}",
            "3: workspaces.a.tier_allocation.rag_memory_pct: is given as tier_allocation.rag "
            "already. Remove one.",
            id="share-given-twice",
        ),
        pytest.param(
            "scoring: {relevance_weight: 0.9}",
            "3: workspaces.a.scoring: relevance_weight, importance_weight and freshness_weight "
            "sum to 1.2, must sum to 1.0. Lower relevance_weight (0.9) by 0.2.",
            id="weights",
        ),
        pytest.param(
            "max_tokens: 4",
            "3: workspaces.a.max_tokens: no such setting. Did you mean 'max_total_tokens'?",
            id="unknown-with-a-near-one",
        ),
        pytest.param(
            "tier_limits: {rag: {floor_token: 4}}",
            "3: workspaces.a.tier_limits.rag.floor_token: no such setting. "
            "Did you mean 'floor_tokens'?",
            id="unknown-deep",
        ),
        pytest.param(
            "tier_limits: {web: {floor_tokens: 4}}",
            "3: workspaces.a.tier_limits.web: no such setting. "
            "Known are: working, project, long_term, rag.",
            id="unknown-tier",
        ),
        pytest.param(
            "half_life_days: 3",
            "3: workspaces.a.half_life_days: no such setting here. It belongs under 'scoring'.",
            id="too-far-out",
        ),
        pytest.param(
            "scoring: {borrowing: true}",
            "3: workspaces.a.scoring.borrowing: no such setting here. It belongs beside 'scoring'.",
            id="too-far-in",
        ),
        pytest.param(
            "workspace_id: b",
            "3: workspaces.a.workspace_id: must be 'a', the workspace's key under 'workspaces', "
            "got 'b'.",
            id="id",
        ),
        pytest.param(
            "max_total_tokens: '4096'",
            "3: workspaces.a.max_total_tokens: must be an integer, got '4096'. Remove the quotes.",
            id="number-in-quotes",
        ),
        pytest.param(
            "max_total_tokens: 4096.0",
            "3: workspaces.a.max_total_tokens: must be an integer, got 4096.0.",
            id="fraction-of-a-token",
        ),
        pytest.param(
            "max_total_tokens: yes",
            "3: workspaces.a.max_total_tokens: must be an integer, got true.",
            id="truth-value-for-a-number",
        ),
        pytest.param(
            "max_total_tokens:",
            "3: workspaces.a.max_total_tokens: must be an integer, got null.",
            id="nothing-for-a-number",
        ),
        pytest.param(
            "max_total_tokens: 0",
            "3: workspaces.a.max_total_tokens: must be at least 1, got 0.",
            id="below-the-range",
        ),
        pytest.param(
            "max_total_tokens: 0x" + "f" * 9000,
            "3: workspaces.a.max_total_tokens: must be at most 1,000,000,000, "
            "got an integer of 36,000 bits.",
            id="huge-number",
        ),
        pytest.param(
            "scoring: {min_score: 1.5}",
            "3: workspaces.a.scoring.min_score: must be at most 1, got 1.5.",
            id="above-the-range",
        ),
        pytest.param(
            "scoring: {half_life_days: 0}",
            "3: workspaces.a.scoring.half_life_days: must be above 0, got 0.",
            id="half-life-of-zero",
        ),
        pytest.param(
            "scoring: {half_life_days: .nan}",
            "3: workspaces.a.scoring.half_life_days: must be above 0, got nan.",
            id="half-life-that-is-no-number",
        ),
        pytest.param(
            "scoring: {min_score: .nan}",
            "3: workspaces.a.scoring.min_score: must be finite, got nan.",
            id="not-finite",
        ),
        pytest.param(
            "scoring: {method: usefullness}",
            "3: workspaces.a.scoring.method: must be one of weighted_sum, product, usefulness "
            "(did you mean 'usefulness'?), got 'usefullness'.",
            id="unknown-name",
        ),
        pytest.param(
            "complexity_multipliers: {simple: 2, medium: {rag: 0}, hard: 1, expert: x}",
            "3: workspaces.a.complexity_multipliers.simple: must be at most 1, got 2.\n"
            "3: workspaces.a.complexity_multipliers.medium.rag: must be above 0, got 0.\n"
            "3: workspaces.a.complexity_multipliers.hard: no such setting. "
            "Known are: simple, medium, complex, expert.\n"
            "3: workspaces.a.complexity_multipliers.expert: must be a number, "
            "or a mapping of tiers to numbers, got 'x'.",
            id="number-or-one-for-each-tier",
        ),
        pytest.param(
            "borrowing: maybe",
            "3: workspaces.a.borrowing: must be true or false, got 'maybe'.",
            id="truth-value",
        ),
        pytest.param(
            "description: 2026-01-02",
            "3: workspaces.a.description: must be text, got datetime.date(2026, 1, 2).",
            id="date-for-a-text",
        ),
        pytest.param(
            "description: 2026-13-45",
            "3: workspaces.a.description: '2026-13-45' cannot be read as a value.",
            id="date-that-is-none",
        ),
        pytest.param(
            "description: !!python/object:os.system x",
            "3: workspaces.a.description: the tag !!python/object:os.system is not supported; "
            "write a plain value.",
            id="tag",
        ),
        pytest.param(
            "tier_allocation: 0.5",
            "3: workspaces.a.tier_allocation: must be a mapping, got 0.5.",
            id="value-for-a-section",
        ),
        pytest.param(
            "tier_limits: {rag: 5}",
            "3: workspaces.a.tier_limits.rag: must be a mapping, got 5.",
            id="value-for-a-tier",
        ),
        pytest.param(
            "rendering: [xml]",
            "3: workspaces.a.rendering: must be a mapping, got ['xml'].",
            id="list-for-a-group",
        ),
        pytest.param(
            "rendering: {section_order: [rag, web]}",
            "3: workspaces.a.rendering.section_order.1: must be one of working, project, "
            "long_term, rag, got 'web'.",
            id="entry-of-a-list",
        ),
        pytest.param(
            "rendering: {section_order: rag}",
            "3: workspaces.a.rendering.section_order: must be a list, got 'rag'.",
            id="value-for-a-list",
        ),
        pytest.param(
            "tier_limits: {rag: {floor_tokens: 9, cap_tokens: 5}}",
            "3: workspaces.a.tier_limits: tier rag: floor (9) is above its cap (5).",
            id="floor-above-cap",
        ),
        pytest.param(
            "tier_limits: {rag: {floor_tokens: 9000}}",
            "3: workspaces.a: floor_tokens sum to 9,000, more than max_total_tokens less "
            "reserved_tokens (8,192).",
            id="floors-above-the-ceiling",
        ),
        pytest.param(
            "reserved_tokens: 9000",
            "3: workspaces.a: reserved_tokens (9,000) leave nothing of max_total_tokens (8,192).",
            id="reserve-above-the-ceiling",
        ),
        pytest.param(
            "promotion: {promote_threshold: 0.2, min_stay: 1}",
            "3: workspaces.a.promotion.min_stay: no such setting. "
            "Did you mean 'min_stay_days'?\n"
            "3: workspaces.a.promotion: demote_threshold (0.3) must be below "
            "promote_threshold (0.2).",
            id="contradiction-beside-an-unknown-key",
        ),
        pytest.param(
            "borrowing: true\n    rendering: {}\n    borrowing: true",
            "5: workspaces.a.borrowing: the key occurs twice, first in line 3. Remove one.",
            id="key-that-occurs-twice",
        ),
        pytest.param(
            "logging: {max_records: 0}",
            "3: workspaces.a.logging.max_records: must be at least 1, got 0.",
            id="override",
        ),
        pytest.param("<<: 5", "3: workspaces.a.<<: must name a mapping.", id="merge-of-no-mapping"),
        pytest.param(
            "1: 5",
            '3: workspaces.a: keys must be text, got 1 (int). Write "1" in quotes.',
            id="key-that-is-no-text",
        ),
    ],
)
def test_mistake_in_a_workspace_is_named(file: Path, body: str, expected: str) -> None:
    assert problems(file, f"workspaces:\n  a:\n    {body}\n") == expected.splitlines()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "", "1: the file is empty; it must be a mapping with the key 'workspaces'.", id="empty"
        ),
        pytest.param(
            "# nothing\n",
            "1: the file is empty; it must be a mapping with the key 'workspaces'.",
            id="comment-only",
        ),
        pytest.param("[a]", "1: the file must be a mapping, got a list.", id="list"),
        pytest.param("\nx", "2: the file must be a mapping, got a single value.", id="value"),
        pytest.param(
            "version: 1", "1: workspaces: must name at least one workspace.", id="no-workspaces"
        ),
        pytest.param(
            "workspaces: {}", "1: workspaces: must name at least one workspace.", id="none-in-it"
        ),
        pytest.param("workspaces: [a]", "1: workspaces: must be a mapping, got ['a'].", id="ids"),
        pytest.param("workspaces: {a: 5}", "1: workspaces.a: must be a mapping, got 5.", id="id"),
        pytest.param(
            "workspaces: {'': {}}",
            "1: workspaces.: the name of a workspace must not be empty, got ''.",
            id="empty-name",
        ),
        pytest.param(
            "workspaces: {on: {}, b: {}}",
            '1: workspaces: keys must be text, got on (bool). Write "on" in quotes.',
            id="name-that-is-a-truth-value",
        ),
        pytest.param(
            "version: 2\nworkspaces: {a: }",
            "1: version: must be 1, the version of the file format that this release reads, got 2.",
            id="version",
        ),
        pytest.param(
            "workspaces: {a: }\nloging: {}",
            "2: loging: no such setting. Did you mean 'logging'?",
            id="unknown-group",
        ),
        pytest.param(
            "workspaces: {a: }\nzzz: {}", f"2: zzz: no such setting. {KNOWN_AT_TOP}", id="unknown"
        ),
        pytest.param(
            "workspaces: {a: , b: {logging: {path: x}}}\nlogging:\n  max_records: 0\n  patth: x",
            "3: logging.max_records: must be at least 1, got 0.\n"
            "4: logging.patth: no such setting. Did you mean 'path'?",
            id="shared-group-is-told-once",
        ),
        pytest.param(
            "workspaces: {a: }\nlogging: 5",
            "2: logging: must be a mapping, got 5.",
            id="shared-group-that-is-a-value",
        ),
        pytest.param("a: &a [*a]", "1: an alias stands within what it names.", id="endless"),
        pytest.param("a: &a {<<: *a}", "1: an alias stands within what it names.", id="own-merge"),
        pytest.param(
            "[" * 100_000, "1: the file is nested more than 64 levels deep.", id="deeply-nested"
        ),
        pytest.param(
            "- a\n" * 250_000, "199999: the file holds more than 100,000 values.", id="long"
        ),
        pytest.param(
            "a:\n  - \x07", "2: the character U+0007 is not allowed in YAML.", id="control"
        ),
        pytest.param(b"a: b\nc: \xff", "2: the file must be UTF-8, got byte 0xff.", id="encoding"),
        pytest.param(
            b"#" * (MAX_FILE_BYTES + 1), "the file is larger than 1,048,576 bytes.", id="size"
        ),
    ],
)
def test_mistake_in_the_file_as_a_whole_is_named(
    file: Path, text: str | bytes, expected: str
) -> None:
    assert problems(file, text) == expected.splitlines()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("workspaces: [", 1, id="open-bracket"),
        pytest.param("workspaces:\n  a: b: c", 2, id="two-colons"),
        pytest.param("workspaces:\n\t- a", 2, id="tab"),
        pytest.param("workspaces: *nothing", 1, id="unknown-alias"),
        pytest.param("a: 1\n---\nb: 2", 2, id="two-documents"),
    ],
)
def test_text_that_is_not_yaml_is_located(file: Path, text: str, line: int) -> None:
    (problem,) = problems(file, text)
    found = re.match(r"(\d+): not valid YAML in column \d+: \w+", problem)
    assert found, problem
    assert abs(int(found[1]) - line) <= 1, "libyaml sees the end of a text on the line after it"


@pytest.mark.parametrize("merge", [False, True], ids=["aliases", "merges"])
def test_aliases_that_multiply_are_bounded(file: Path, merge: bool) -> None:
    lines = ["l0: &l0 " + ("{a: 1, b: 1}" if merge else "[x, x]")]
    for level in range(1, 40):
        twice = f"[*l{level - 1}, *l{level - 1}]"
        lines.append(f"l{level}: &l{level} " + (f"{{<<: {twice}}}" if merge else twice))
    (problem,) = problems(file, "\n".join(lines))
    assert problem.endswith("the file holds more than 100,000 values.")


def test_all_problems_are_told_at_once_by_line(file: Path) -> None:
    text = (
        "loging: {}\n"
        "workspaces:\n"
        "  a:\n"
        "    max_tokens: 4\n"
        "    reserved_tokens: -1\n"
        "    scoring: {method: x}\n"
        "    tier_allocation: {rag: 0.9}\n"
        "    borrowing: true\n"
        "    borrowing: true\n"
        "  b: {promotion: {promote_threshold: 2, score_weight: 1}}\n"
        "counting: {model: 5}\n"
    )
    found = problems(file, text)
    assert [problem.split(": ")[:2] for problem in found] == [
        ["1", "loging"],
        ["4", "workspaces.a.max_tokens"],
        ["5", "workspaces.a.reserved_tokens"],
        ["6", "workspaces.a.scoring.method"],
        ["7", "workspaces.a.tier_allocation"],
        ["9", "workspaces.a.borrowing"],
        ["10", "workspaces.b.promotion.promote_threshold"],
        ["11", "counting.model"],
    ]
    with pytest.raises(ConfigFileError) as caught:
        load(file)
    assert list(caught.value.problems) == [f"{file}:{problem}" for problem in found]
    assert str(caught.value).splitlines() == list(caught.value.problems)


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.yaml"
    assert validate(missing) == (f"{missing}: no such file.",)
    assert validate(tmp_path)[0].startswith(f"{tmp_path}: cannot be read: ")
    assert validate("nul\0.yaml")[0].startswith("path must be a path, which holds no NUL")
    with pytest.raises(ConfigFileError, match="no such file"):
        load(missing)


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_content_makes_validation_fail(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(content)
    assert validate(file)


yaml_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORKSPACE_KEYS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(body=st.dictionaries(st.sampled_from(WORKSPACE_KEYS), yaml_values, max_size=5))
def test_no_value_makes_validation_fail(
    tmp_path_factory: pytest.TempPathFactory, body: dict[str, Any]
) -> None:
    file = tmp_path_factory.getbasetemp() / "values.yaml"
    text = yaml.safe_dump({"workspaces": {"a": body}})
    file.write_text(text, encoding="utf-8")
    for problem in validate(file):
        assert re.match(rf"{re.escape(str(file))}:\d+: ", problem), problem
