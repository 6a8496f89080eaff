"""How much of a prompt survives from turn to turn, what that costs, and what it loses.

    python -m benchmarks.stability                                  the synthetic probe
    python -m benchmarks.stability --data ../shared/data            and the replayed sessions
    python -m benchmarks.stability --data DIR --sets realtalk --budgets 4096 --grid --part tune

Every turn of a session is allocated after the one before. The reusable prefix is counted token by
token in o200k_base: what two prompts in a row have in common from the beginning, as a share of the
later one. Shares, costs and churn are means over all turns but the first of each session, which
has nothing to reuse; recall is the mean over the turns with labelled evidence.

A cost is in uncached tokens for each turn. "fee" prices a token that is not read at 1.25
(Anthropic, OpenAI from GPT-5.6 on), "free" at 1 (caches that write for nothing); a read costs 0.1
in both. The cost of no cache at all is the number of tokens.

The bias of this page: it is written by the authors of the method. The public sets: tau-bench,
aider, SWE-agent trajectories and REALTALK (arXiv 2502.13270), in the form that
`stability_sessions` reads.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.evidence import bootstrap_interval, machine
from benchmarks.stability_probe import print_probe
from benchmarks.stability_sessions import AGENT_SETS, CHATS, Replay, Turn, load_replays
from mba_integrations import Allocation, MemoryBudgetAllocator, MemoryItem, WorkspaceConfig
from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.config.settings import RenderingSettings
from mba_integrations.core.counting.encodings import load_encoding
from mba_integrations.core.counting.tiktoken_counters import counter_for_model
from mba_integrations.core.layout.protocol import Section
from mba_integrations.core.layout.renderer import Renderer

BUDGETS = (1024, 4096, 16384)
STABILITIES = {"off": 0.0, "low": 0.13, "default": 0.7, "high": 1.0}
GRID = {f"{value:g}": value for value in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)}
READ, FEE = 0.1, 1.25
_RENDERER = Renderer(RenderingSettings())


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One prompt: its text and the ids of its items."""

    text: str
    ids: frozenset[str]

    @classmethod
    def of(cls, allocation: Allocation) -> Written:
        """An allocation's prompt."""
        return cls(
            text=allocation.prompt_text,
            ids=frozenset(selected.id for selected in allocation.selected),
        )


Method = Callable[[Replay, int], list[Written]]
"""The prompts of a session at a budget, one for each turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was measured of a method on a set at a budget, one entry for each turn.

    Attributes:
        tokens: Tokens of the prompt.
        reused: Of them, those in the reusable prefix; NaN in the first turn of a session.
        swapped: Items of the prompt before that are still candidates, but not in this prompt.
        recall: Share of the evidence in the prompt; NaN where none is labelled.
        session: Number of the session.
    """

    tokens: FloatArray
    reused: FloatArray
    swapped: FloatArray
    recall: FloatArray
    session: FloatArray

    @property
    def later(self) -> BoolArray:
        """Which turns are not the first of a session."""
        return np.asarray(np.isfinite(self.reused))

    def prefix(self) -> float:
        """Mean share of the reusable prefix."""
        return float(np.mean((self.reused / np.maximum(self.tokens, 1))[self.later]))

    def cost(self, written: float) -> float:
        """Mean cost of a turn, where a token that is not read costs so much."""
        rest = self.tokens - self.reused
        return float(np.mean((READ * self.reused + written * rest)[self.later]))

    def churn(self) -> float:
        """Mean number of items that go in a turn."""
        return float(np.mean(self.swapped[self.later]))


def anew(replay: Replay, budget: int) -> list[Written]:
    """Choose anew in each turn: the library without `previous`."""
    return _chosen_anew(replay, budget)


_ANEW: dict[tuple[str, int], list[Written]] = {}


def _chosen_anew(replay: Replay, budget: int) -> list[Written]:
    """The same, allocated once: it is also what is sorted by id."""
    key = (replay.session_id, budget)
    if key not in _ANEW:
        config = WorkspaceConfig(workspace_id="w")
        _ANEW[key] = _allocated(replay, budget, config, follow=False)
    return _ANEW[key]


def by_score(replay: Replay, budget: int) -> list[Written]:
    """The same, with every section sorted by score."""
    config = WorkspaceConfig(workspace_id="w", rendering={"item_order": {}})
    return _allocated(replay, budget, config, follow=False)


def by_id(replay: Replay, budget: int) -> list[Written]:
    """The same selection, with every section sorted by id."""
    written = []
    for turn, prompt in zip(replay.turns, _chosen_anew(replay, budget), strict=True):
        chosen = sorted((i for i in turn.items if i.id in prompt.ids), key=lambda item: item.id)
        written.append(_rendered(chosen))
    return written


def newest_first(replay: Replay, budget: int) -> list[Written]:
    """The newest items that fit, the newest first."""
    counter = counter_for_model("gpt-4o")
    written = []
    for turn in replay.turns:
        newest = list(reversed(turn.items))
        lines = counter.count_batch([_RENDERER.line(item) for item in newest])
        heading = max(counter.count(_RENDERER.opening(item.tier)) for item in newest)
        fits = int(np.searchsorted(np.cumsum(lines), budget - heading, side="right"))
        written.append(_rendered(newest[:fits]))
    return written


def followed(stability: float) -> Method:
    """The library with `previous`."""
    config = WorkspaceConfig(workspace_id="w", stability=stability)
    return lambda replay, budget: _allocated(replay, budget, config, follow=True)


def _allocated(
    replay: Replay, budget: int, config: WorkspaceConfig, *, follow: bool
) -> list[Written]:
    allocator = MemoryBudgetAllocator()
    allocator.register_workspace(config)
    previous: Allocation | None = None
    written = []
    for turn in replay.turns:
        previous = allocator.allocate_memory_budget(
            turn.query,
            turn.items,
            "w",
            budget,
            turn.vector,
            turn.now,
            previous if follow else None,
        )
        written.append(Written.of(previous))
    return written


def _rendered(items: Sequence[MemoryItem]) -> Written:
    tiers = dict.fromkeys(item.tier for item in items)
    sections: list[Section] = [(tier, [i for i in items if i.tier is tier]) for tier in tiers]
    return Written(text=_RENDERER.write(sections).text, ids=frozenset(item.id for item in items))


def common_tokens(left: IntArray, right: IntArray) -> int:
    """How many tokens two prompts have in common from the beginning.

    >>> common_tokens(np.array([1, 2, 3]), np.array([1, 2, 4, 5]))
    2
    """
    shorter = min(len(left), len(right))
    differs = np.flatnonzero(left[:shorter] != right[:shorter])
    return int(differs[0]) if len(differs) else shorter


def measure(replays: Sequence[Replay], method: Method, budget: int) -> Outcome:
    """Replay every session."""
    encoding = load_encoding("o200k_base")
    rows: list[tuple[float, ...]] = []
    for number, replay in enumerate(replays):
        before: Written | None = None
        ids_before: IntArray = np.zeros(0, dtype=np.int64)
        for turn, prompt in zip(replay.turns, method(replay, budget), strict=True):
            ids = np.array(encoding.encode(prompt.text, disallowed_special=()), dtype=np.int64)
            reused = float("nan") if before is None else common_tokens(ids_before, ids)
            rows.append(
                (len(ids), reused, _swapped(turn, before, prompt), _recall(turn, prompt), number)
            )
            before, ids_before = prompt, ids
    columns = np.array(rows, dtype=float).T
    names = ("tokens", "reused", "swapped", "recall", "session")
    return Outcome(**dict(zip(names, columns, strict=True)))


def _swapped(turn: Turn, before: Written | None, prompt: Written) -> float:
    if before is None:
        return 0.0
    candidates = {item.id for item in turn.items}
    return float(len((before.ids & candidates) - prompt.ids))


def _recall(turn: Turn, prompt: Written) -> float:
    if not turn.evidence:
        return float("nan")
    return float(np.mean([any(one in prompt.ids for one in group) for group in turn.evidence]))


def run_set(
    name: str, replays: Sequence[Replay], methods: Mapping[str, Method], budgets: Sequence[int]
) -> dict[str, dict[str, dict[str, float]]]:
    """Measure and print one set; figures by budget and method."""
    turns = sum(len(replay.turns) for replay in replays)
    print(f"\n{name}: {len(replays)} sessions, {turns:,} turns")
    print(
        f"{'budget':>6} {'method':<13} {'tokens':>6} {'prefix':>6} {'fee':>6} {'free':>6} "
        f"{'fee/anew':>8} {'free/anew':>9} {'recall':>6} {'against anew':>22} {'churn':>6}"
    )
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for budget in budgets:
        outcomes = {label: measure(replays, method, budget) for label, method in methods.items()}
        figures[str(budget)] = {
            label: _figures(outcome, outcomes["anew"]) for label, outcome in outcomes.items()
        }
        for label, row in figures[str(budget)].items():
            print(_line(budget, label, row), flush=True)
    return figures


def _figures(outcome: Outcome, baseline: Outcome) -> dict[str, float]:
    labelled = np.isfinite(outcome.recall)
    difference = (outcome.recall - baseline.recall)[labelled][:, None]
    low = high = np.array([float("nan")])
    if labelled.any():
        low, high = bootstrap_interval(difference, outcome.session[labelled])
    return {
        "tokens": float(outcome.tokens.mean()),
        "prefix": outcome.prefix(),
        "fee": outcome.cost(FEE),
        "free": outcome.cost(1.0),
        "fee_ratio": outcome.cost(FEE) / baseline.cost(FEE),
        "free_ratio": outcome.cost(1.0) / baseline.cost(1.0),
        "recall": float(np.mean(outcome.recall[labelled])) if labelled.any() else float("nan"),
        "difference": float(difference.mean()) if labelled.any() else float("nan"),
        "low": float(low[0]),
        "high": float(high[0]),
        "churn": outcome.churn(),
    }


def _line(budget: int, label: str, row: Mapping[str, float]) -> str:
    recall = "     –"
    against = ""
    if np.isfinite(row["recall"]):
        recall = f"{100 * row['recall']:6.1f}"
        against = (
            f"{100 * row['difference']:+.1f} ({100 * row['low']:+.1f} to {100 * row['high']:+.1f})"
        )
    return (
        f"{budget:>6} {label:<13} {row['tokens']:6.0f} {row['prefix']:6.3f} {row['fee']:6.0f} "
        f"{row['free']:6.0f} {row['fee_ratio']:8.3f} {row['free_ratio']:9.3f} {recall} "
        f"{against:>22} {row['churn']:6.1f}"
    )


def _part(replays: list[Replay], part: str) -> list[Replay]:
    """Every second session for tuning, the others for reporting."""
    starts = {"tune": slice(0, None, 2), "report": slice(1, None, 2), "all": slice(None)}
    return replays[starts[part]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Stability from turn to turn.")
    parser.add_argument("--data", type=Path, help="folder of the sessions")
    parser.add_argument("--sets", nargs="+", default=[CHATS, *AGENT_SETS])
    parser.add_argument("--budgets", nargs="+", type=int, default=list(BUDGETS))
    parser.add_argument("--part", choices=["tune", "report", "all"], default="all")
    parser.add_argument("--sessions", type=int, default=60, help="most sessions of a set")
    parser.add_argument("--grid", action="store_true", help="more values of stability")
    parser.add_argument("--out", type=Path, help="write all figures to this JSON file")
    parser.add_argument("--plots", type=Path, help="write PNG plots into this folder")
    options = parser.parse_args(arguments)
    print(machine(), "| python -m benchmarks.stability", *(arguments or sys.argv[1:]))
    if options.data is None:
        print_probe()
        return
    stabilities = GRID if options.grid else STABILITIES
    methods: dict[str, Method] = {"anew": anew}
    if not options.grid:
        methods |= {"by score": by_score, "by id": by_id, "newest first": newest_first}
    methods |= {label: followed(value) for label, value in stabilities.items()}
    figures = {
        name: run_set(
            name,
            _part(load_replays(options.data, name, most=options.sessions), options.part),
            methods,
            options.budgets,
        )
        for name in options.sets
    }
    if options.out:
        options.out.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    if options.plots:
        from benchmarks.stability_plot import draw

        draw(figures, options.plots)


if __name__ == "__main__":
    main()
