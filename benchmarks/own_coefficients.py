"""Coefficients of usefulness learned from a workspace's own traffic, on traffic made of sets.

    python -m benchmarks.own_coefficients --data ../shared/data --choose
    python -m benchmarks.own_coefficients --data ../shared/data

Each pool (a chat) is a workspace. Its questions come in order; on the first half of them the
shipped coefficients fill prompts of 1,024 tokens, and the answer is made of the labels: evidence in
the prompt is cited with probability 0.8, anything else with 0.01. What is cited weighs 1, the rest
of a prompt in which anything is cited 0.5, as `MemoryService.feedback` has it. The second half is
measured. A set that is one pool is one workspace.

The shipped coefficients have seen the answers of the sets that they were fitted on, so gains over
them are lower bounds there. "new" stands for coefficients that were fitted without the set, as a
new workspace finds them. `--choose` measures strengths on sets that are not reported.
"""

from __future__ import annotations

import argparse
import platform
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np

from benchmarks import evidence_methods as methods
from benchmarks.evidence import FITTED_SETS, Fits, Sets
from benchmarks.evidence_data import EvidencePool, EvidenceQuery, load_set
from mba_integrations.core.arrays import BoolArray, FloatArray
from mba_integrations.core.value.usefulness import LogisticModel, UsefulnessModel, shipped_models
from mba_integrations.learning.own.features import LabelledFeatures, features_of
from mba_integrations.learning.own.usefulness import STRENGTH, own_usefulness

REPORTED = ("realtalk", "beam-100k")
CHOSEN_ON = (
    *("hotpotqa-merged", "2wikimultihopqa-merged", "musique-train-merged"),
    "implicit-dialogues",
)
STRENGTHS = (300.0, 1_000.0, 3_000.0, 10_000.0, 30_000.0, 100_000.0)
BUDGET = 1_024
CITED, STRAY = 0.8, 0.01
"""Probabilities that evidence in a prompt is cited, and that anything else is."""
_RESAMPLES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with the features of all items."""

    pool: EvidencePool
    query: EvidenceQuery
    names: tuple[str, ...]
    matrix: FloatArray

    def recall(self, model: LogisticModel) -> float:
        """Part of the evidence in a prompt by these coefficients, in [0, 1]."""
        taken = self.taken(model)
        return float(np.mean([bool(taken[list(group)].any()) for group in self.query.evidence]))

    def taken(self, model: LogisticModel) -> BoolArray:
        """Which items are in a prompt by these coefficients, shape (n,)."""
        weights = np.array([model.weights.get(name, 0.0) for name in self.names])
        logits = np.clip(model.intercept + self.matrix @ weights, -30.0, 30.0)
        value = 1.0 / (1.0 + np.exp(-logits))
        [taken] = methods.selections(value / self.pool.tokens, self.pool.tokens, [BUDGET])
        return taken

    def said(
        self, model: LogisticModel, draw: np.random.Generator, *, shuffled: bool
    ) -> LabelledFeatures | None:
        """What an answer to the prompt cites; None where it cites nothing."""
        rows = np.flatnonzero(self.taken(model))
        needed = self.pool.labels(self.query)[rows]
        cited = draw.random(len(rows)) < np.where(needed, CITED, STRAY)
        if shuffled:
            cited = draw.permutation(cited)
        if not cited.any():
            return None
        return LabelledFeatures(
            kind="dense",
            names=self.names,
            matrix=self.matrix[rows],
            offset=np.zeros(len(rows)),
            useful=cited.astype(float),
            weights=np.where(cited, 1.0, 0.5),
            spread=self.matrix.std(axis=0),
        )


def asked_in(pool: EvidencePool, model: UsefulnessModel) -> list[Asked]:
    """The questions of a pool, in order."""
    made = []
    for query in pool.queries:
        found = features_of(
            methods.question(query), pool.corpus, methods.freshness(pool, query), model
        )
        made.append(Asked(pool=pool, query=query, names=found[1], matrix=found[2]))
    return made


def gains(
    pools: Sequence[Sequence[Asked]],
    model: UsefulnessModel,
    strengths: Sequence[float],
    *,
    together: bool = False,
    shuffled: bool = False,
    seed: int = 0,
) -> dict[float, list[FloatArray]]:
    """By strength, for each pool what the second half gains in recall by question.

    Args:
        pools: Questions of each workspace.
        model: What the workspaces begin with.
        strengths: What to measure.
        together: Whether one workspace has learned from the first halves of all.
        shuffled: Whether the labels of each prompt are shuffled, so that they say nothing.
        seed: Of the noise.
    """
    draw = np.random.default_rng(seed)
    said = [
        [made for one in half(pool) if (made := one.said(model.final, draw, shuffled=shuffled))]
        for pool in pools
    ]
    if together:
        said = [[one for part in said for one in part]]
    later = [pool[len(pool) // 2 :] for pool in pools]
    before = [np.array([one.recall(model.final) for one in part]) for part in later]
    result: dict[float, list[FloatArray]] = {}
    for strength in strengths:
        fits = [
            own_usefulness(examples, strength=strength, shipped={"dense": model}).models
            for examples in said
        ]
        learned = [one.get("dense", model).final for one in fits]
        result[strength] = [
            np.array([one.recall(own) for one in part]) - at_first
            for part, at_first, own in zip(later, before, cycle(learned), strict=False)
        ]
    return result


def half(pool: Sequence[Asked]) -> Sequence[Asked]:
    """The questions that are learned from."""
    return pool[: len(pool) // 2]


def interval(by_pool: Sequence[FloatArray]) -> tuple[float, float, float]:
    """Mean and 95 % bootstrap interval over pools where there are five, else over questions."""
    parts = list(by_pool) if len(by_pool) >= 5 else [np.array([x]) for p in by_pool for x in p]
    sums = np.array([part.sum() for part in parts])
    counts = np.array([len(part) for part in parts], dtype=float)
    draws = np.random.default_rng(0).integers(0, len(parts), size=(_RESAMPLES, len(parts)))
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(sums.sum() / counts.sum()), float(low), float(high)


def beginnings(fits: Fits, name: str) -> Iterator[tuple[str, UsefulnessModel]]:
    """What a workspace begins with: the shipped coefficients, and those fitted without the set."""
    yield "shipped", shipped_models()["dense"]
    if name in FITTED_SETS:
        yield "new", fits.without(name)["dense"]


def choose(sets: Sets, seeds: Sequence[int]) -> None:
    """A row for each strength: the mean gain in points of recall on the sets not reported."""
    fits = Fits(sets, ["dense"])
    print("| set | begins with | labels | " + " | ".join(f"{s:,.0f}" for s in STRENGTHS) + " |")
    print("| --- | --- | --- |" + " --- |" * len(STRENGTHS))
    for name in CHOSEN_ON:
        for label, model in beginnings(fits, name):
            pools = [asked_in(pool, model) for pool in sets[name]]
            for said, shuffled in (("true", False), ("shuffled", True)):
                runs = [
                    gains(pools, model, STRENGTHS, shuffled=shuffled, seed=seed) for seed in seeds
                ]
                means = [np.mean([interval(run[s])[0] for run in runs]) for s in STRENGTHS]
                cells = " | ".join(f"{100 * mean:+.2f}" for mean in means)
                print(f"| {name} | {label} | {said} | {cells} |", flush=True)


def report(sets: Sets, seeds: Sequence[int]) -> None:
    """A row for each set, beginning and way to learn."""
    fits = Fits(sets, ["dense"])
    print("| set | begins with | learned | cited | recall before, % | gain, points | interval |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in REPORTED:
        for label, model in beginnings(fits, name):
            pools = [asked_in(pool, model) for pool in sets[name]]
            before = np.mean(
                [one.recall(model.final) for pool in pools for one in pool[len(pool) // 2 :]]
            )
            for way, options in WAYS.items():
                runs = [
                    gains(pools, model, [STRENGTH], seed=seed, **options)[STRENGTH]
                    for seed in seeds
                ]
                # The mean over draws of the noise, so that the interval is that over chats.
                mean, low, high = interval(
                    [np.mean(one, axis=0) for one in zip(*runs, strict=True)]
                )
                print(
                    f"| {name} | {label} | {way} | {CITED:.0%}, {STRAY:.0%} | {100 * before:.1f} | "
                    f"{100 * mean:+.2f} | {100 * low:+.2f} to {100 * high:+.2f} |",
                    flush=True,
                )


WAYS: Mapping[str, Mapping[str, bool]] = {
    "each chat by itself": {},
    "all chats together": {"together": True},
    "labels shuffled": {"shuffled": True},
    "all together, shuffled": {"together": True, "shuffled": True},
}


def main() -> None:
    """Print machine, command and figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the evidence sets")
    parser.add_argument("--choose", action="store_true", help="measure strengths, on other sets")
    parser.add_argument("--draws", type=int, default=3, help="draws of the noise")
    options = parser.parse_args()
    print(f"machine: {platform.machine()}, {platform.system()}, Python {platform.python_version()}")
    print(f"command: {shlex.join(['python', *sys.argv])}")
    names = {*FITTED_SETS, *(CHOSEN_ON if options.choose else REPORTED)}
    sets: Sets = {name: load_set(options.data, name) for name in sorted(names)}
    (choose if options.choose else report)(sets, range(options.draws))


if __name__ == "__main__":
    main()
