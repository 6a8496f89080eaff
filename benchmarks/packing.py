"""Measure packing: how often it is proven optimal, how far off it is, and what it costs.

    python benchmarks/packing.py
    python benchmarks/packing.py --sizes 50 1000 --budgets 4096 --seeds 2 --solver-items 0

Each class is packed at every size, budget and sharing rule. Up to `--solver-items` items the same
instances go to HiGHS (`pip install scipy`; a development tool, not a dependency), which solves
both steps as mixed-integer programs without a gap. Tokens are log-normal around 60 (sigma 0.9),
clipped to 4..800. Four tiers hold 5/35/40/20 % of the items and 10/40/30/20 % of the budget.

Classes: `independent` and `score` have values that do not depend on the length; `correlated`
ones grow with it; `quantised` ones are multiples of 0.05; `grouped` items are sums of 1 to 5;
`adversarial` is Pisinger's strongly correlated class, value = tokens + 40, on which bounds by
linear relaxation are loose. It is not an ordinary instance and is summed up on its own.

Sharing: `shares` with borrowing; `caps` at 1.5 shares; `floors` of 20/10/10/10 % with the rest
free for all; `strict` without borrowing; `dominant`, 95 % of the items in one tier.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.packing.pack import Packing, pack
from mba_integrations.core.packing.problem import PackingProblem

ORDINARY = ("independent", "score", "correlated", "quantised", "grouped")
CLASSES = (*ORDINARY, "adversarial")
SHARING = ("shares", "caps", "floors", "strict", "dominant")
SHARES = np.array([0.1, 0.4, 0.3, 0.2])
OPENING_TOKENS = np.array([5, 6, 7, 5])
SOLVER_SECONDS = 20.0
EXACT = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One instance: what packing found, and what the solver found if it was asked."""

    kind: str
    items: int
    budget: int
    packing: Packing
    pack_ms: float
    solver_value: float | None
    solver_ms: float | None

    @property
    def loss_pct(self) -> float:
        """How far the value is below the solver's, in percent; negative if above."""
        if self.solver_value is None:
            return float("nan")
        return 100 * (self.solver_value - self.packing.value) / max(EXACT, self.solver_value)

    @property
    def gap_pct(self) -> float:
        """How far the value is below the proven bound, in percent."""
        bound = self.packing.upper_bound
        return 100 * (bound - self.packing.value) / max(EXACT, bound)


def token_lengths(random: np.random.Generator, count: int) -> IntArray:
    """Log-normal lengths with a mean of about 60 and a tail to 800."""
    drawn = random.lognormal(np.log(60) - 0.405, 0.9, count)
    return np.clip(np.round(drawn), 4, 800).astype(np.int64)


def values(kind: str, tokens: IntArray, random: np.random.Generator) -> FloatArray:
    """Values of one class."""
    count = len(tokens)
    if kind == "independent":
        return random.beta(0.6, 3, count)
    if kind == "correlated":
        return random.beta(2, 5, count) * tokens / 60 * np.exp(0.3 * random.normal(size=count))
    if kind == "quantised":
        return np.ceil(random.beta(1, 4, count) * 20) * 0.05
    if kind == "adversarial":
        return (tokens + 40) / 1000
    importance = random.integers(0, 11, count) / 10
    return (
        0.5 * random.beta(2, 5, count)
        + 0.3 * importance
        + 0.2 * 0.5 ** random.exponential(1, count)
    )


def grouped(
    value: FloatArray, tokens: IntArray, random: np.random.Generator
) -> tuple[FloatArray, IntArray]:
    """Neighbours joined to groups of 1 to 5 items."""
    starts = np.cumsum(np.concatenate([[0], random.integers(1, 6, len(value))]))
    starts = starts[starts < len(value)]
    return np.add.reduceat(value, starts), np.add.reduceat(tokens, starts)


def instance(kind: str, items: int, budget: int, sharing: str, seed: int) -> PackingProblem:
    """One problem; equal arguments give an equal problem."""
    random = np.random.default_rng([seed, items, budget, CLASSES.index(kind)])
    tokens = token_lengths(random, items)
    value = values(kind, tokens, random)
    if kind == "grouped":
        value, tokens = grouped(value, tokens, random)
    mix = [0.01, 0.02, 0.02, 0.95] if sharing == "dominant" else [0.05, 0.35, 0.4, 0.2]
    shares = np.array([0.2, 0.1, 0.1, 0.1]) if sharing == "floors" else SHARES
    caps = 1.5 * SHARES if sharing == "caps" else np.ones(4)
    return PackingProblem(
        value=value,
        tokens=tokens,
        tier=random.choice(4, len(tokens), p=mix),
        total_tokens=budget,
        tier_tokens=shares * budget,
        tier_cap_tokens=caps * budget,
        opening_tokens=OPENING_TOKENS,
        borrowing=sharing != "strict",
    )


def timed(work: Callable[[], Packing], repeats: int) -> tuple[Packing, float]:
    """The result and the best CPU time of a few calls, in milliseconds."""
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
    return result, 1000 * best


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Nothing is printed, not even by native code: HiGHS reports on file descriptor 1."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


class Solver:
    """Both steps of packing as mixed-integer programs, solved by HiGHS."""

    def __init__(self, problem: PackingProblem) -> None:
        from scipy import sparse
        from scipy.optimize import Bounds, LinearConstraint, milp

        self._sparse, self._milp = sparse, milp
        self._bounds, self._constraint = Bounds, LinearConstraint
        self.problem = problem
        self.caps = np.minimum(problem.tier_cap_tokens, problem.total_tokens)
        share = np.minimum(problem.tier_tokens, self.caps)
        if not problem.borrowing:
            self.caps = share
        fits = problem.tokens + problem.opening_tokens[problem.tier] <= share[problem.tier] + 1e-6
        needs = np.bincount(problem.tier[fits], weights=problem.tokens[fits], minlength=len(share))
        self.guaranteed = np.minimum(share, np.where(needs > 0, needs + problem.opening_tokens, 0))

    def solve(self) -> float | None:
        """The value of both steps; None if HiGHS stopped at its time limit."""
        none = np.zeros(len(self.problem.value), dtype=np.bool_)
        first = self._best(self.guaranteed, none)
        if first is None:
            return None
        chosen = self._best(np.zeros(len(self.guaranteed)), first)
        return None if chosen is None else float(self.problem.value[chosen].sum())

    def _best(self, guaranteed: FloatArray, fixed: np.ndarray) -> np.ndarray | None:
        """The best choice that holds `fixed`. Columns: items, tiers opened, tiers' costs."""
        problem, sparse = self.problem, self._sparse
        count, tiers = len(problem.value), len(guaranteed)
        rows = np.concatenate([problem.tier, np.arange(tiers)])
        used = sparse.csr_matrix(
            (
                np.concatenate([problem.tokens, problem.opening_tokens]),
                (rows, np.arange(len(rows))),
            ),
            shape=(tiers, count + tiers),
        )
        one, none = sparse.identity(tiers), sparse.csr_matrix((tiers, tiers))
        empty = sparse.csr_matrix((tiers, count))
        total = sparse.csr_matrix(np.concatenate([np.zeros(count + tiers), np.ones(tiers)]))
        limits = [
            (sparse.hstack([used, -one]), 0.0),
            (
                sparse.hstack([used, none]) - sparse.hstack([empty, sparse.diags(self.caps), none]),
                0,
            ),
            (total, problem.total_tokens + 1e-6),
        ]
        lower = np.concatenate([fixed, np.zeros(tiers), guaranteed])
        upper = np.concatenate([np.ones(count + tiers), np.full(tiers, problem.total_tokens)])
        result = self._milp(
            -np.concatenate([problem.value, np.zeros(2 * tiers)]),
            constraints=[self._constraint(matrix, -np.inf, limit) for matrix, limit in limits],
            bounds=self._bounds(lower, np.maximum(lower, upper)),
            integrality=np.concatenate([np.ones(count + tiers), np.zeros(tiers)]),
            options={"mip_rel_gap": 0.0, "time_limit": SOLVER_SECONDS},
        )
        return None if result.x is None or result.status != 0 else result.x[:count] > 0.5


def measure(options: argparse.Namespace) -> Iterator[Row]:
    """Every instance the options ask for."""
    for items in options.sizes:
        for budget in options.budgets:
            for kind in options.classes:
                for sharing in SHARING:
                    for seed in range(options.seeds):
                        yield measured(instance(kind, items, budget, sharing, seed), kind, options)


def measured(problem: PackingProblem, kind: str, options: argparse.Namespace) -> Row:
    """One row."""
    gc.collect()
    packing, pack_ms = timed(lambda: pack(problem), 2)
    solver_value, solver_ms = None, None
    if len(problem.value) <= options.solver_items:
        start = time.process_time()
        with silenced():
            solver_value = Solver(problem).solve()
        solver_ms = 1000 * (time.process_time() - start)
    return Row(
        kind=kind,
        items=len(problem.value),
        budget=problem.total_tokens,
        packing=packing,
        pack_ms=pack_ms,
        solver_value=solver_value,
        solver_ms=solver_ms,
    )


def table_line(name: str, rows: list[Row]) -> str:
    """One line of the table."""
    proven = 100 * np.mean([row.packing.proven_optimal for row in rows])
    gaps = [row.gap_pct for row in rows]
    losses = [row.loss_pct for row in rows if row.solver_value is not None]
    times = [row.pack_ms for row in rows]
    ratios = [row.solver_ms / row.pack_ms for row in rows if row.solver_ms and row.solver_value]
    loss = f"{np.mean(losses):8.4f} {np.max(losses):8.4f}" if losses else f"{'-':>8} {'-':>8}"
    ratio = f"{np.median(ratios):7.0f}" if ratios else f"{'-':>7}"
    return (
        f"{name:38} {len(rows):5} {proven:7.1f} {np.mean(gaps):8.4f} {np.max(gaps):8.4f} "
        f"{len(losses):6} {loss} {np.median(times):7.2f} {np.percentile(times, 95):7.2f} {ratio}"
    )


def parsed(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes, budgets = [50, 200, 1000, 10_000, 100_000], [512, 4096, 32_768]
    parser.add_argument("--sizes", type=int, nargs="+", default=sizes, help="numbers of items")
    parser.add_argument("--budgets", type=int, nargs="+", default=budgets, help="total tokens")
    parser.add_argument("--classes", nargs="+", choices=CLASSES, default=list(CLASSES))
    parser.add_argument("--seeds", type=int, default=3, help="instances of each kind")
    parser.add_argument(
        "--solver-items", type=int, default=1000, help="largest instance for HiGHS; 0: none"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    options = parsed(arguments)
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")
    print(f"python {shlex.join(sys.argv)}")
    print(
        f"{'':38} {'':5} {'proven':>7} {'bound gap %':>17} {'solved':>6} {'loss %':>17} "
        f"{'CPU ms':>15} {'HiGHS':>7}"
    )
    print(
        f"{'class, items, budget':38} {'count':>5} {'%':>7} {'mean':>8} {'max':>8} {'':6} "
        f"{'mean':>8} {'max':>8} {'median':>7} {'p95':>7} {'/ ours':>7}"
    )
    rows: list[Row] = []
    batch: list[Row] = []
    for row in measure(options):
        batch.append(row)
        if len(batch) == len(SHARING) * options.seeds:
            print(table_line(f"{row.kind}, {row.items:,}, {row.budget:,}", batch), flush=True)
            rows, batch = rows + batch, []
    for name, kinds in (("all ordinary", ORDINARY), ("adversarial", ("adversarial",))):
        chosen = [row for row in rows if row.kind in kinds]
        if chosen:
            print(table_line(name, chosen))


if __name__ == "__main__":
    main()
