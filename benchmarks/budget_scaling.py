"""Does a budget that follows the query's complexity beat a fixed one at equal mean tokens?

    python -m benchmarks.budget_scaling --data DIRECTORY

Items are taken by falling usefulness per token, with coefficients fitted without the set that is
measured. A rule gives each question a share of the budget B, by the complexity that the library
estimates. Two comparisons, each paired by question, with 95 % bootstrap intervals:

- against one fixed budget with the same mean tokens: is the rule's division better than none?
- against the whole of B for every question: what do the saved tokens cost?

"Shuffled" deals the shipped shares at random: what a division costs that knows nothing. "Oracle"
divides by the number of evidence items, which no estimator knows. "Foresight" knows the recall that
every question has at every budget, and is the upper limit of any division. "Fitted" shares are
chosen on the other sets, from a grid; the rankings there come from coefficients fitted with the set
that is measured. DIRECTORY holds the sets as `evidence_data` reads them.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import evidence_methods as methods
from benchmarks.evidence import FITTED_SETS, Sets, bootstrap_interval, fitted_without, machine
from benchmarks.evidence_data import EvidencePool, load_set
from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.budget.complexity import estimate_complexity
from mba_integrations.core.config.settings import DEFAULT_MULTIPLIERS, ComplexitySettings
from mba_integrations.core.model import QueryComplexity

BUDGETS = (512, 1024, 2048, 4096)
LEVELS = tuple(QueryComplexity)
SHARES: Mapping[str, tuple[float, ...]] = {
    "shipped": tuple(DEFAULT_MULTIPLIERS[level] for level in LEVELS),
    "mild": (0.75, 0.9, 1.0, 1.0),
    "steep": (0.25, 0.5, 1.0, 1.0),
    "rising": (0.25, 0.5, 0.75, 1.0),
}
_GRID = (0.4, 0.6, 0.8, 1.0)
_CURVE = tuple(int(128 * 2 ** (step / 2)) for step in range(13))  # 128 to 8,192


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedQuestion:
    """A question with its candidates in the order in which they are taken.

    Attributes:
        level: Estimated complexity, as an index into `LEVELS`.
        pool: Number of the pool that it belongs to.
        density: Usefulness per token of each item, shape (n,).
        tokens: Tokens of each item, shape (n,).
        evidence: Groups of item rows; one row of each is enough.
    """

    level: int
    pool: int
    density: FloatArray
    tokens: IntArray
    evidence: tuple[tuple[int, ...], ...]

    def outcome(self, budgets: Sequence[int]) -> FloatArray:
        """Recall and used tokens at each budget, shape (budgets, 2)."""
        taken = methods.selections(self.density, self.tokens, budgets)
        return np.array([[self._recall(one), self.tokens[one].sum()] for one in taken])

    def _recall(self, taken: BoolArray) -> float:
        return float(np.mean([taken[list(group)].any() for group in self.evidence]))


Rule = Callable[[Sequence[RankedQuestion], int], FloatArray]  # shares of a budget B


def ranked(pools: Sequence[EvidencePool], method: methods.Method) -> list[RankedQuestion]:
    """Every question of the pools, ranked once for all budgets."""
    settings = ComplexitySettings()
    return [
        RankedQuestion(
            level=LEVELS.index(
                estimate_complexity(
                    query.text, settings=settings, candidate_count=len(pool.tokens)
                ).complexity
            ),
            pool=number,
            density=method(pool, query),
            tokens=pool.tokens,
            evidence=query.evidence,
        )
        for number, pool in enumerate(pools)
        for query in pool.queries
    ]


def by_level(shares: Sequence[float]) -> Rule:
    """Shares by estimated complexity, in the order of `LEVELS`."""
    return lambda questions, _: np.array([shares[one.level] for one in questions])


def shuffled(rule: Rule) -> Rule:
    """The same shares, dealt at random."""
    return lambda questions, b: np.random.default_rng(0).permutation(rule(questions, b))


def by_evidence(exponent: float) -> Rule:
    """Shares by the number of evidence items to the power of *exponent*; their mean is 1."""

    def shares(questions: Sequence[RankedQuestion], _: int) -> FloatArray:
        counts = np.array([len(one.evidence) for one in questions], float) ** exponent
        return np.asarray(counts / counts.mean())

    return shares


def by_foresight(questions: Sequence[RankedQuestion], budget: int) -> FloatArray:
    """Shares that reach the most recall at a mean of at most 1: equal gain per token everywhere.

    Budgets are 0 or of `_CURVE`, so the division is the best of its grid, up to the last step.
    """
    grid = np.array([0, *_CURVE])
    recall = np.array([np.append(0.0, one.outcome(_CURVE)[:, 0]) for one in questions])
    low, high = 0.0, 1.0  # recall that one token must bring
    for _ in range(40):
        price = (low + high) / 2.0
        chosen = grid[np.argmax(recall - price * grid, axis=1)]
        low, high = (price, high) if chosen.mean() > budget else (low, price)
    return np.asarray(grid[np.argmax(recall - high * grid, axis=1)] / budget)


def by_usefulness(questions: Sequence[RankedQuestion], budget: int) -> FloatArray:
    """Shares that end every selection at the same usefulness per token; their mean is about 1."""
    orders = [np.argsort(-one.density, kind="stable") for one in questions]
    falling = [-one.density[order] for one, order in zip(questions, orders, strict=True)]
    spent = [
        np.append(0, np.cumsum(one.tokens[order]))
        for one, order in zip(questions, orders, strict=True)
    ]

    def tokens_at(price: float) -> FloatArray:
        pairs = zip(falling, spent, strict=True)
        return np.array([total[np.searchsorted(own, -price, side="right")] for own, total in pairs])

    low, high = 0.0, 1.0  # usefulness that one token must bring
    for _ in range(40):
        price = (low + high) / 2.0
        low, high = (price, high) if tokens_at(price).mean() > budget else (low, price)
    return np.asarray(tokens_at(high) / budget)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A rule against one fixed budget with the same mean, and against the whole budget.

    Recall in percent, differences in points; each interval is (low, high).
    """

    mean_tokens: float
    used_tokens: tuple[float, float]
    recall: float
    gain: float
    gain_interval: tuple[float, float]
    loss: float
    loss_interval: tuple[float, float]


def compare(questions: Sequence[RankedQuestion], shares: FloatArray, budget: int) -> Comparison:
    """Measure *shares* of *budget*, one for each question."""
    budgets = np.rint(shares * budget).astype(int)
    fixed = round(float(budgets.mean()))
    found = np.array(
        [
            one.outcome((int(own), fixed, budget))
            for one, own in zip(questions, budgets, strict=True)
        ]
    )
    recall, used = 100.0 * found[:, :, 0], found[:, :, 1].mean(axis=0)
    differences = np.column_stack([recall[:, 0] - recall[:, 1], recall[:, 0] - recall[:, 2]])
    low, high = bootstrap_interval(differences, np.array([one.pool for one in questions], float))
    gain, loss = differences.mean(axis=0)
    return Comparison(
        mean_tokens=float(budgets.mean()),
        used_tokens=(float(used[0]), float(used[1])),
        recall=float(recall[:, 0].mean()),
        gain=float(gain),
        gain_interval=(float(low[0]), float(high[0])),
        loss=float(loss),
        loss_interval=(float(low[1]), float(high[1])),
    )


def fitted_shares(collections: Sequence[Sequence[RankedQuestion]]) -> tuple[float, ...]:
    """The shares of the grid that gain most over fixed budgets, each collection weighing the same.

    Recall between the budgets of a curve is interpolated. Equal shares gain 0, so nothing that
    loses on *collections* is returned.
    """
    curves = [(_weights(one), _level_curves(one)) for one in collections]
    candidates = [one for one in itertools.product(_GRID, repeat=len(LEVELS)) if max(one) == 1.0]
    even = (1.0,) * len(LEVELS)
    return max([even, *candidates], key=lambda one: _gain(np.array(one), curves))


def _weights(questions: Sequence[RankedQuestion]) -> FloatArray:
    return np.bincount([one.level for one in questions], minlength=len(LEVELS)) / len(questions)


def _level_curves(questions: Sequence[RankedQuestion]) -> FloatArray:
    """Mean recall of each level at the budgets of `_CURVE`; 0 for a level without questions."""
    recall = np.array([one.outcome(_CURVE)[:, 0] for one in questions])
    levels = np.array([one.level for one in questions])
    sums = np.array([recall[levels == level].sum(axis=0) for level in range(len(LEVELS))])
    return np.asarray(sums / np.maximum(np.bincount(levels, minlength=len(LEVELS)), 1)[:, None])


def _gain(shares: FloatArray, curves: Sequence[tuple[FloatArray, FloatArray]]) -> float:
    total = 0.0
    for weights, recall in curves:
        for budget in BUDGETS:
            fixed = np.full(len(LEVELS), float(weights @ shares) * budget)
            total += float(weights @ (_at(recall, shares * budget) - _at(recall, fixed)))
    return total


def _at(curves: FloatArray, budgets: FloatArray) -> FloatArray:
    log = np.log(_CURVE)
    return np.array(
        [np.interp(np.log(b), log, row) for b, row in zip(budgets, curves, strict=True)]
    )


def report(name: str, questions: Sequence[RankedQuestion], fitted: Sequence[float]) -> None:
    """Print the comparisons of one set."""
    rules: dict[str, Rule] = {label: by_level(shares) for label, shares in SHARES.items()}
    rules |= {
        f"fitted {'/'.join(f'{share:g}' for share in fitted)}": by_level(fitted),
        "shipped, shuffled": shuffled(by_level(SHARES["shipped"])),
        "oracle, by number": by_evidence(1.0),
        "oracle, by its root": by_evidence(0.5),
        "by usefulness per token": by_usefulness,
        "foresight": by_foresight,
    }
    _print_levels(name, questions)
    print("| shares | B | mean budget | used, fixed | recall | against fixed | against B |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for label, rule in rules.items():
        for budget in BUDGETS:
            one = compare(questions, rule(questions, budget), budget)
            print(
                f"| {label} | {budget} | {one.mean_tokens:.0f} | {one.used_tokens[0]:.0f}, "
                f"{one.used_tokens[1]:.0f} | {one.recall:.1f} "
                f"| {_points(one.gain, one.gain_interval)} "
                f"| {_points(one.loss, one.loss_interval)} |",
                flush=True,
            )


def _print_levels(name: str, questions: Sequence[RankedQuestion]) -> None:
    print(f"\n### {name}, {len(questions)} questions\n")
    print("| complexity | questions | evidence items | " + " | ".join(map(str, _shown())) + " |")
    print("| --- |" + " --- |" * (2 + len(_shown())))
    for number, level in enumerate(LEVELS):
        own = [one for one in questions if one.level == number]
        if own:
            items = np.mean([len(one.evidence) for one in own])
            recall = 100.0 * np.mean([one.outcome(_shown())[:, 0] for one in own], axis=0)
            cells = " | ".join(f"{value:.1f}" for value in recall)
            print(f"| {level.value} | {len(own)} | {items:.1f} | {cells} |")
    print()


def _shown() -> tuple[int, ...]:
    return (BUDGETS[0] // 2, *BUDGETS)


def _points(value: float, interval: tuple[float, float]) -> str:
    return f"{value:+.1f} [{interval[0]:+.1f}, {interval[1]:+.1f}]"


def run(data: Path) -> None:
    """Measure every set with everything fitted on the others."""
    sets: Sets = {name: load_set(data, name) for name in FITTED_SETS}
    questions = {
        name: ranked(pools, methods.usefulness(fitted_without(sets, name, kinds=["dense"])))
        for name, pools in sets.items()
    }
    for name in questions:
        others = [questions[other] for other in questions if other != name]
        report(name, questions[name], fitted_shares(others))
    print(f"\nfitted on all sets: {fitted_shares(list(questions.values()))}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Budgets by complexity against a fixed budget.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the evidence sets")
    options = parser.parse_args(arguments)
    print(machine(), "| python -m benchmarks.budget_scaling", *(arguments or sys.argv[1:]))
    run(options.data)


if __name__ == "__main__":
    main()
