"""Measure what `MemoryBudgetMiddleware` adds to a model call, with `trim_messages` beside it.

    python -m benchmarks.langchain_overhead
    python -m benchmarks.langchain_overhead --messages 20000

A thread has so many messages in its state, one in six a long result of a tool. Each step is a new
question or a further tool round; the middleware is called as `create_agent` calls it, with a
handler that returns at once. `trim_messages` counts the same messages by a function that counts
each once (`cached`) and by one that counts all in every call (`counted`), with the same vocabulary;
it has to begin on a human message too.

"same objects" is an agent without a checkpointer, or within one run; "loaded anew" is the first
call of a run that read its state from a checkpoint. Times are in ms, of the calls after the first:
median on the clock, and median, 95th percentile and largest of the processor time, which other
processes of the machine disturb less. Words are made up, 4,000 of them, the n-th as frequent as
1 / n. Uses one core.
"""

from __future__ import annotations

import argparse
import itertools
import platform
import random
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from langchain.agents.middleware import ModelRequest, ModelResponse
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    trim_messages,
)

from benchmarks.langchain_runs import ScriptedModel
from mba_integrations.langchain import MemoryBudgetMiddleware, MessageCounter

MESSAGES = 5_000
STEPS = 60
BUDGETS = (2_000, 8_000, 32_000, 128_000)
_SYLLABLES = ("ka", "lo", "mi", "ren", "tas", "vor", "el", "shu", "bi", "dra", "pen", "ost")
VOCABULARY = ["".join(one) for one in itertools.product(_SYLLABLES, repeat=4)][::5][:4_000]
FREQUENCIES = [1.0 / rank for rank in range(1, len(VOCABULARY) + 1)]
SYSTEM = SystemMessage("You answer questions about orders, briefly.")


def prose(draw: random.Random, longest: int) -> str:
    """A text of up to *longest* words."""
    words = draw.choices(VOCABULARY, FREQUENCIES, k=draw.randint(1, longest))
    return " ".join(words).capitalize() + "."


def thread_of(size: int, draw: random.Random) -> list[AnyMessage]:
    """A conversation of *size* messages."""
    messages: list[AnyMessage] = []
    while len(messages) < size:
        messages += exchange(draw, len(messages))
    return messages[:size]


def exchange(draw: random.Random, number: int) -> list[AnyMessage]:
    """A question, mostly with a tool round, and the answer."""
    name = f"m{number}"
    asked = HumanMessage(prose(draw, 30), id=f"{name}-q")
    answer = AIMessage(prose(draw, 60), id=f"{name}-a")
    return [asked, *tool_round(draw, name), answer] if draw.random() < 0.5 else [asked, answer]


def tool_round(draw: random.Random, name: str) -> list[AnyMessage]:
    """A call and its result."""
    call = {"name": "look_up", "args": {"topic": prose(draw, 3)}, "id": f"{name}-c"}
    result = prose(draw, draw.choice((20, 60, 400)))
    return [
        AIMessage("", tool_calls=[call], id=f"{name}-t"),
        ToolMessage(result, tool_call_id=f"{name}-c", id=f"{name}-r"),
    ]


def steps_of(size: int) -> list[list[AnyMessage]]:
    """The messages of each call, each list longer than the one before."""
    draw = random.Random(7)
    messages = thread_of(size, draw)
    steps = []
    for number in range(STEPS):
        name = f"s{number}"
        if number % 3 == 0:
            before = [AIMessage(prose(draw, 40), id=f"{name}-a")] if number else []
            messages = [*messages, *before, HumanMessage(prose(draw, 20), id=f"{name}-q")]
        else:
            messages = [*messages, *tool_round(draw, name)]
        steps.append(messages)
    return steps


def loaded_anew(messages: Sequence[BaseMessage]) -> list[Any]:
    """Equal messages that are other objects, as read from a checkpoint."""
    return [type(message)(**message.model_dump()) for message in messages]


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of each call, on the clock and of the processor."""

    clock: list[float]
    processor: list[float]


def times_of(call: Callable[[list[Any]], object], steps: Sequence[list[Any]]) -> Times:
    """Call once for each step."""
    clock, processor = [], []
    for messages in steps:
        started, used = time.perf_counter(), time.process_time()
        call(messages)
        processor.append((time.process_time() - used) * 1000.0)
        clock.append((time.perf_counter() - started) * 1000.0)
    return Times(clock, processor)


def middleware_call(budget: int) -> Callable[[list[Any]], object]:
    """A model call through the middleware that no model answers."""
    middleware = MemoryBudgetMiddleware(budget)
    model = ScriptedModel(script=[])
    response = ModelResponse(result=[AIMessage("")])

    def call(messages: list[Any]) -> object:
        request: ModelRequest[Any] = ModelRequest(
            model=model, messages=messages, system_message=SYSTEM, state={"messages": messages}
        )
        return middleware.wrap_model_call(request, lambda _: response)

    return call


def trimming_call(budget: int, *, cached: bool) -> Callable[[list[Any]], object]:
    """`trim_messages` with the tokenizer of the same vocabulary."""

    def count(messages: list[BaseMessage]) -> int:
        counter = kept if cached else MessageCounter(model="gpt-4o")
        return counter(messages)

    kept = MessageCounter(model="gpt-4o")
    return lambda messages: trim_messages(
        [SYSTEM, *messages],
        max_tokens=budget,
        token_counter=count,
        include_system=True,
        start_on="human",
    )


def row(name: str, budget: int, times: Times) -> str:
    """One line of the table."""
    later = sorted(times.processor[1:])
    shown = (
        times.clock[0],
        statistics.median(times.clock[1:]),
        statistics.median(later),
        later[int(0.95 * (len(later) - 1))],
        later[-1],
    )
    return f"{name:26}{budget:>9,}" + "".join(f"{value:>9.1f}" for value in shown)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=MESSAGES)
    options = parser.parse_args()
    print(f"command: python -m benchmarks.langchain_overhead {shlex.join(sys.argv[1:])}".rstrip())
    print(f"machine: {platform.platform()}, Python {platform.python_version()}")
    print(f"versions: {', '.join(f'{n} {version(n)}' for n in ('langchain', 'langchain-core'))}")
    print(f"{options.messages:,} messages in the state, {STEPS} calls, ms of one call\n")
    heads = ("budget", "first", "median", "cpu", "cpu 95 %", "cpu most")
    print(" " * 26 + "".join(f"{head:>9}" for head in heads))
    steps = steps_of(options.messages)
    anew = [loaded_anew(messages) for messages in steps[:12]]
    for budget in BUDGETS:
        print(row("middleware, same objects", budget, times_of(middleware_call(budget), steps)))
        print(row("middleware, loaded anew", budget, times_of(middleware_call(budget), anew)))
        for cached in (True, False):
            name = f"trim_messages, {'cached' if cached else 'counted'}"
            call = trimming_call(budget, cached=cached)
            print(row(name, budget, times_of(call, steps if cached else steps[:12])))


if __name__ == "__main__":
    main()
