"""An agent at work: which of its steps are needed, and when a talk is one."""

from __future__ import annotations

import re

import numpy as np
import pytest
from fakes import CharCounter

from mba_integrations import MemoryBudgetAllocator, MemoryItem
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.value.need.trace import Trace, names_in, trace_of
from mba_integrations.core.value.question import Question

TASK = "The port in the settings is ignored. Find out why."
STEPS = [
    ("user", f"Solve this issue: {TASK}"),
    ("assistant", "open main.py"),
    ("tool", "main.py calls read_config and start_server"),
    ("assistant", "list the folder"),
    ("tool", "README LICENSE docs"),
    ("assistant", "grep for read_config"),
    ("tool", "app_settings.py defines read_config with DEFAULT_PORT"),
]


def steps(texts: list[tuple[str, str]]) -> list[MemoryItem]:
    return [
        MemoryItem(f"s{n}", text, "working", source="run", position=n, metadata={"role": role})
        for n, (role, text) in enumerate(texts)
    ]


def trace(texts: list[tuple[str, str]], query: str = TASK) -> Trace | None:
    question = Question(text=query, vector=None, now_seconds=0.0)
    return trace_of(question, PoolSnapshot(steps(texts)))


def test_a_step_is_worth_what_it_shares_with_the_last_four() -> None:
    found = trace(STEPS)
    assert found is not None
    # The last four name read_config, app_settings.py and its part, DEFAULT_PORT, README, LICENSE.
    shares = np.array([0, 0, 1, 0, 2, 1, 4]) / 6
    part = np.array([0.25, 0.25, 1, 0.25, 1, 0.25, 1])
    assert found.probability.tolist() == pytest.approx((0.5 * shares * part).tolist())
    assert found.rows.tolist() == list(range(7))


@pytest.mark.parametrize(
    ("texts", "query"),
    [
        pytest.param(STEPS, "Which colour has the logo?", id="another-question"),
        pytest.param(STEPS, "", id="no-question"),
        pytest.param(STEPS[:3], TASK, id="three-steps"),
        pytest.param(
            [STEPS[0], ("assistant", "Since it is."), ("user", "Really?"), ("assistant", "Yes.")],
            TASK,
            id="a-chat",
        ),
        pytest.param(
            [*STEPS[:3], *[("assistant", "I think about main.py")] * 9], TASK, id="few-results"
        ),
    ],
)
def test_other_talks_are_no_trace(texts: list[tuple[str, str]], query: str) -> None:
    assert trace(texts, query) is None


def test_a_trace_in_which_tools_are_users_is_told_by_its_names() -> None:
    named = [("user" if role == "tool" else role, f"{text} src/main.py") for role, text in STEPS]
    found = trace(named)
    assert found is not None
    assert int(found.probability.argmax()) == 6
    assert trace([(role, re.sub("[_./]", " ", text)) for role, text in named]) is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("Kate is in Oslo. Then she left.", set(), id="prose"),
        pytest.param("set max_size and loadConfig", {"max_size", "loadConfig"}, id="cases"),
        pytest.param("see src/app.py now", {"src/app.py"}, id="path"),
        pytest.param("a_b IO e.g", set(), id="too-short"),
        pytest.param("np.linalg_norm()", {"np.linalg_norm", "linalg_norm"}, id="parts"),
    ],
)
def test_names_of_things_in_code(text: str, names: set[str]) -> None:
    assert names_in(text) == names


def test_a_long_result_is_not_worth_less_for_its_length() -> None:
    long_result = ("tool", "read_config DEFAULT_PORT app_settings.py " + "line of code\n" * 30)
    texts = [*STEPS[:3], ("assistant", "open"), long_result, *STEPS[3:]]
    allocator = MemoryBudgetAllocator(token_counter=CharCounter())
    allocation = allocator.allocate_memory_budget(TASK, steps(texts), budget_tokens=700)
    assert "s4" in allocation.selected_ids
    facts = [MemoryItem(f"f{n}", f"Fact {n}, as it is known.", "project") for n in range(9)]
    both = allocator.allocate_memory_budget(TASK, [*steps(texts), *facts], budget_tokens=900)
    assert both.used_tokens <= 900
    assert "s4" in both.selected_ids
