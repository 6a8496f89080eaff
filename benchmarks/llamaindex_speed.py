"""Time of `get` on a long history: `BudgetedMemory` beside LlamaIndex's `ChatMemoryBuffer`.

    python -m benchmarks.llamaindex_speed
    python -m benchmarks.llamaindex_speed --messages 2000 --budget 3000

Both hold the same messages (40 words each, all of the history) and have the same budget, in one
process, one after the other. The first call counts every message and is told apart. "After a turn"
is a call after one more question and answer. Times are CPU time of the process, since other work
on a machine moves the clock; medians, and the slowest call. Needs `mba-integrations[llamaindex]`.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.memory.types import BaseMemory
from llama_index.core.storage.chat_store.sql import SQLAlchemyChatStore

from benchmarks.evidence import machine
from benchmarks.fit_texts import words
from mba_integrations.llamaindex import BudgetedMemory

CALLS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Milliseconds of one memory: the first call, later ones, and those after a new turn."""

    first: float
    again: Sequence[float]
    after_turn: Sequence[float]
    shown: int


def conversation(messages: int) -> list[ChatMessage]:
    """Questions and answers in turn."""
    draw = random.Random(0)
    roles = (MessageRole.USER, MessageRole.ASSISTANT)
    return [
        ChatMessage(role=roles[place % 2], content=f"{place}: {words(draw, 40)}")
        for place in range(messages)
    ]


def timed(memory: BaseMemory, calls: int) -> Timing:
    """Time the synchronous `get`."""
    first, shown = _milliseconds(memory, "What was said of the budget?")
    again = [_milliseconds(memory, f"What of {number}?")[0] for number in range(calls)]
    after = []
    for number in range(calls):
        memory.put(ChatMessage(role=MessageRole.USER, content=f"More of {number}?"))
        memory.put(ChatMessage(role=MessageRole.ASSISTANT, content="There is no more."))
        after.append(_milliseconds(memory, "What of the server?")[0])
    return Timing(first=first, again=again, after_turn=after, shown=shown)


def _milliseconds(memory: BaseMemory, question: str) -> tuple[float, int]:
    started = time.process_time()
    shown = memory.get(question)
    return (time.process_time() - started) * 1000.0, len(shown)


def in_sqlite(messages: Sequence[ChatMessage], budget: int, folder: str) -> Timing:
    """The same with the history in a database on disk, awaited."""

    async def measure() -> Timing:
        uri = f"sqlite+aiosqlite:///{Path(folder) / 'history.db'}"
        store = SQLAlchemyChatStore(table_name="history", async_database_uri=uri)
        memory = BudgetedMemory.from_defaults(budget, chat_store=store)
        await memory.aset(list(messages))
        times = []
        for number in range(CALLS + 1):
            started = time.process_time()
            shown = await memory.aget(f"What of {number}?")
            times.append((time.process_time() - started) * 1000.0)
        after = []
        for number in range(CALLS):
            await memory.aput(ChatMessage(content=f"More of {number}?"))
            await memory.aput(ChatMessage(role=MessageRole.ASSISTANT, content="No more."))
            started = time.process_time()
            await memory.aget("What of the server?")
            after.append((time.process_time() - started) * 1000.0)
        if store._async_engine is not None:
            await store._async_engine.dispose()
        return Timing(first=times[0], again=times[1:], after_turn=after, shown=len(shown))

    return asyncio.run(measure())


def _row(name: str, timing: Timing) -> str:
    def cell(times: Sequence[float]) -> str:
        return f"{np.median(times):,.1f} ({max(times):,.1f})" if times else "-"

    return (
        f"| {name} | {timing.first:,.0f} | {cell(timing.again)} | {cell(timing.after_turn)} "
        f"| {timing.shown} |"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Time of get on a long history.")
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--budget", type=int, default=3000, help="tokens of the view")
    options = parser.parse_args(arguments)
    command = ["python -m benchmarks.llamaindex_speed", *(arguments or sys.argv[1:])]
    version = metadata.version("llama-index-core")
    print(f"{machine()}, llama-index-core {version} | {' '.join(command)}\n")
    print("| memory | first, ms | again, ms (slowest) | after a turn, ms (slowest) | shown |")
    print("| --- | --- | --- | --- | --- |")
    history = conversation(options.messages)
    budgeted = BudgetedMemory.from_defaults(options.budget, chat_history=history)
    print(_row("`BudgetedMemory`", timed(budgeted, CALLS)), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        timing = in_sqlite(history, options.budget, folder)
        print(_row("`BudgetedMemory`, SQLite", timing), flush=True)
    buffer = ChatMemoryBuffer.from_defaults(chat_history=list(history), token_limit=options.budget)
    print(_row("`ChatMemoryBuffer`", timed(buffer, 1)), flush=True)


if __name__ == "__main__":
    main()
