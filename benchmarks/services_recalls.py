"""Count what a memory service gives back again: is any prompt or list over its budget?

    python -m benchmarks.services_recalls WHERE --calls 10000

WHERE is a path or a URL of Postgres, of a store without the workspaces `recalls-...`. Each of them
writes its prompts in another way and holds hard texts (see `fit_texts`). Calls of `recall` and
`search` draw their question, budget, session, tiers, subject, filters, layout and moment; between
them memories come, change and go. Every reply is counted again by tiktoken itself.

Exit code 1 if a reply is over its budget or `used_tokens` is not its count.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.fit import workspaces
from benchmarks.fit_texts import adversarial, huge
from mba_integrations import (
    JoinedTexts,
    MemoryItem,
    MemoryTier,
    PromptFormat,
    WorkspaceConfig,
    counter_for_model,
)
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.counting.tiktoken_counters import TiktokenCounter
from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services import MemoryFilter, MemoryService, NewMemory, RecallReply

PREFIX = "recalls-"
TEXTS = 40
"""Memories that each workspace begins with."""
BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
SUBJECTS = ("kate", "tom", None)
LONGEST_PIN = 40


@dataclass(slots=True)
class RecallsReport:
    """What was seen.

    Attributes:
        calls: Replies that were counted.
        refused: Calls that an error of ours refused, such as pins over the budget.
        over: Replies over their budget, as text.
        miscounted: Replies whose `used_tokens` is not their count, as text.
    """

    calls: int = 0
    refused: int = 0
    over: list[str] = field(default_factory=list)
    miscounted: list[str] = field(default_factory=list)

    def add(self, said: str, needed: int, used: int, budget: int | None) -> None:
        """Note one reply."""
        self.calls += 1
        if budget is not None and needed > budget:
            self.over.append(f"{said}: {needed} of {budget}")
        if needed != used:
            self.miscounted.append(f"{said}: {needed} counted as {used}")


class Caller:
    """Calls a service at random.

    Args:
        service: The service.
        check: Counts again.
        rng: Draws.
        forward: Moves the service's clock.
        configs: Settings of its workspaces.
    """

    def __init__(
        self,
        service: MemoryService,
        check: TokenCounter,
        rng: random.Random,
        forward: Callable[[float], None],
        configs: Sequence[WorkspaceConfig],
    ) -> None:
        self.service = service
        self.check = check
        self.rng = rng
        self.forward = forward
        self.names = [self._made(config) for config in configs]
        self.report = RecallsReport()

    def _made(self, config: WorkspaceConfig) -> str:
        name = f"{PREFIX}{config.workspace_id}"
        settings = config.model_dump(mode="json", exclude={"workspace_id"})
        self.service.create_workspace(name, **settings)
        self.remember(name, TEXTS)
        return name

    def remember(self, name: str, count: int) -> None:
        """Add memories of any kind; those that cannot be kept are left out."""
        memories = [self._memory() for _ in range(count)]
        self.service.remember(name, [one for one in memories if one is not None], on_error="skip")

    def _memory(self) -> NewMemory | None:
        rng = self.rng
        text = huge(rng) if rng.randrange(200) == 0 else adversarial(rng)
        try:
            item = MemoryItem(
                f"{rng.getrandbits(64):x}",
                text,
                rng.choice(tuple(MemoryTier)),
                importance=rng.random(),
                source=rng.choice((None, "notes", "a\nb/")),
                group=rng.choice((None, None, None, "g", "h")),
                pinned=len(text) < LONGEST_PIN and rng.randrange(50) == 0,
                metadata=rng.choice(({}, {"role": "user"}, {"role": "assistant"})),
            )
        except MemoryBudgetError:
            return None
        return NewMemory(item=item, subject=rng.choice(SUBJECTS), tags=("t",) * rng.randrange(2))

    def call(self) -> None:
        """Make one call, and now and then change what there is."""
        name = self.rng.choice(self.names)
        if self.rng.randrange(5) == 0:
            self._change(name)
        try:
            if self.rng.randrange(5) == 0:
                self._search(name)
            else:
                self._recall(name)
        except MemoryBudgetError:
            self.report.refused += 1

    def _change(self, name: str) -> None:
        self.forward(self.rng.random() * 3_600)
        rows = self.service.list(name, limit=100).rows
        gone = [row.memory_id for row in rows if self.rng.random() < 1 / len(rows)]
        if gone and len(rows) > TEXTS:
            self.service.forget(name, gone)
        self.remember(name, 2)

    def _asked(self) -> dict[str, Any]:
        rng = self.rng
        tagged = MemoryFilter(tags=frozenset({"t"}))
        tiers = rng.sample(list(MemoryTier), rng.randint(1, 4))
        return {
            "tiers": rng.choice((None, None, tiers)),
            "subject": rng.choice((None, None, "kate")),
            "filters": rng.choice((None, None, tagged)),
        }

    def _query(self) -> str:
        return adversarial(self.rng)[:2_000] or "?"

    def _recall(self, name: str) -> None:
        rng = self.rng
        joined = JoinedTexts(separator=rng.choice(("\n\n", " ", "/", "x")))
        reply = self.service.recall(
            name,
            self._query(),
            budget_tokens=rng.choice((rng.randint(1, 40), rng.randint(20, 400), 4_000, None)),
            session_id=rng.choice((None, "s", "t")),
            layout=rng.choice((None, None, None, joined)),
            as_of=rng.choice((*(None,) * 9, BEGAN + timedelta(minutes=rng.randrange(5)))),
            **self._asked(),
        )
        needed = self.check.count(reply.prompt_text)
        said = f"recall of {name}, {reply.allocation_id}"
        self.report.add(said, needed, reply.used_tokens, reply.budget_tokens)
        if _is_chat(reply) and reply.allocation.message_tokens > reply.budget_tokens:
            self.report.over.append(f"{said}: messages")

    def _search(self, name: str) -> None:
        rng = self.rng
        reply = self.service.search(
            name,
            self._query(),
            limit=rng.randint(1, 30),
            budget_tokens=rng.choice((None, rng.randint(1, 400), rng.randint(1, 4_000))),
            **self._asked(),
        )
        needed = self.check.count(reply.text)
        self.report.add(f"search of {name}", needed, reply.used_tokens, reply.budget_tokens)


def _is_chat(reply: RecallReply) -> bool:
    return reply.allocation.prompt_format is PromptFormat.MESSAGES


def call_service(
    where: str, *, calls: int, seed: int, configs: Sequence[WorkspaceConfig] | None = None
) -> RecallsReport:
    """Make so many calls, and count every reply again."""
    moments = [BEGAN]

    def forward(seconds: float) -> None:
        moments[0] += timedelta(seconds=seconds)

    with MemoryService.open(
        where,
        token_counter=counter_for_model("gpt-4o"),
        background=False,
        clock=lambda: moments[0],
    ) as service:
        check, rng = TiktokenCounter("o200k_base"), random.Random(seed)
        caller = Caller(service, check, rng, forward, workspaces() if configs is None else configs)
        while caller.report.calls < calls:
            caller.call()
    return caller.report


def main() -> int:
    """Run it, and print what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("where")
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    report = call_service(given.where, calls=given.calls, seed=given.seed)
    print(
        f"{report.calls:,} replies counted, {report.refused:,} calls refused, "
        f"{len(report.over)} over budget, {len(report.miscounted)} miscounted"
    )
    print(*report.over[:5], *report.miscounted[:5], sep="\n")
    return 1 if report.over or report.miscounted else 0


if __name__ == "__main__":
    raise SystemExit(main())
