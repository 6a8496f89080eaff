"""Random agent runs: within budget, whole tool rounds, the question there, the state untouched."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from benchmarks import langchain_runs
from benchmarks.langchain_runs import Outcome, Run, drawn_run, examined, problems_of
from mba_integrations.langchain import MessageCounter

RUNS = 100
BATCH = 10


@functools.cache
def seen(seed: int) -> tuple[list[str], Outcome]:
    """What is wrong with a random run, and what it did."""
    return examined(drawn_run(seed))


@pytest.mark.parametrize("first", range(0, RUNS, BATCH))
def test_random_runs_have_no_problem(first: int) -> None:
    found = {seed: seen(seed)[0] for seed in range(first, first + BATCH)}
    assert not {seed: problems for seed, problems in found.items() if problems}


def parallel_calls(message: BaseMessage) -> bool:
    return isinstance(message, AIMessage) and len(message.tool_calls) > 1


KINDS: dict[str, Callable[[BaseMessage], bool]] = {
    "blocks": lambda message: isinstance(message.content, list),
    "parallel calls": parallel_calls,
    "shortened result": lambda message: "shortened]" in str(message.content),
    "result left out": lambda message: "left out]" in str(message.content),
    "memories": lambda message: "Memories that may help" in str(message.content),
}


RAREST_KIND_AT = 136


def test_runs_are_of_every_kind() -> None:
    seeds = (RAREST_KIND_AT, *range(RUNS))
    assert {drawn_run(seed).budget_tokens for seed in seeds} >= {1, 20, 20_000}
    missing, refused = dict(KINDS), False
    for _, outcome in map(seen, seeds):
        refused |= bool(outcome.refused)
        sent = [message for call in outcome.received for message in call]
        missing = {name: is_one for name, is_one in missing.items() if not any(map(is_one, sent))}
        if refused and not missing:
            break
    assert refused
    assert not missing


def test_budgets_are_used_where_there_is_enough() -> None:
    count = MessageCounter(model="gpt-4o")
    used: list[float] = []
    for seed in range(RUNS):
        run = drawn_run(seed)
        if run.budget_tokens >= 400 and count(run.history) > 2 * run.budget_tokens:
            _, outcome = seen(seed)
            used += [count(messages) / run.budget_tokens for messages in outcome.received]
        if len(used) >= 20:
            break
    assert len(used) >= 20
    assert sum(used) / len(used) > 0.9


ASKED = HumanMessage("q", id="q")
CALL = AIMessage("", tool_calls=[{"name": "look_up", "args": {}, "id": "c"}], id="a")
RESULT = ToolMessage("r", tool_call_id="c", id="r")


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        pytest.param([ASKED, CALL, RESULT], None, id="nothing"),
        pytest.param([ASKED, RESULT], "without its call", id="orphan"),
        pytest.param([ASKED, CALL], "at the end", id="open-call"),
        pytest.param([ASKED, CALL, ASKED], "without results", id="unanswered"),
        pytest.param([CALL, RESULT, ASKED], "begins with ai", id="begins-with-a-reply"),
        pytest.param([HumanMessage("word " * 99)], "tokens of 50", id="over-budget"),
    ],
)
def test_problems_of_a_call_are_noticed(messages: list[BaseMessage], problem: str | None) -> None:
    run = Run(seed=0, system=None, history=[], questions=[ASKED], script=[], budget_tokens=50)
    found = langchain_runs._call_problems(run, messages)
    assert [problem in one for one in found] == [True] if problem else not found


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        pytest.param(lambda sent: sent.pop(), "the last human message is not there", id="dropped"),
        pytest.param(
            lambda sent: setattr(sent[-1], "content", "x"), "the state differs", id="changed-state"
        ),
    ],
)
def test_problems_of_a_run_are_noticed(
    monkeypatch: pytest.MonkeyPatch, broken: Callable[[list[BaseMessage]], object], problem: str
) -> None:
    from mba_integrations.langchain.agents import middleware

    rewritten = middleware._rewritten

    def breaking(request: object, planned: object) -> object:
        broken(planned.messages)  # type: ignore[attr-defined]
        return rewritten(request, planned)  # type: ignore[arg-type]

    monkeypatch.setattr(middleware, "_rewritten", breaking)
    questions = [HumanMessage("first", id="q0")]
    script = [AIMessage("answer", id="a0")]
    history: list[BaseMessage] = [HumanMessage("old", id="h0"), AIMessage("reply", id="h1")]
    run = Run(
        seed=0, system=None, history=history, questions=questions, script=script, budget_tokens=500
    )
    assert any(problem in one for one in problems_of(run))
