"""The learned estimator of complexity beside the shipped points.

    python -m benchmarks.own_complexity --data ../shared/data --plot docs/images

Learned on every second question of `query-complexity` (see `benchmarks/complexity.py`), from the
first; measured on the others. The strength of the points is chosen by cross-validation on the
half that is learned from. The shipped points were fitted on all questions, those of the measured
half too, so the same points fitted on the half that is learned from stand beside them. Intervals
are 95 % bootstrap intervals over questions.
"""

from __future__ import annotations

import argparse
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.complexity import load_queries
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.budget.complexity import LOGIT_OF_POINT, estimate_complexity
from mba_integrations.core.config.settings import ComplexitySettings
from mba_integrations.learning.complexity_fit import LabelledQuery, fit_points
from mba_integrations.learning.own.complexity import STRENGTH, own_complexity

STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1_000.0)
_FOLDS = 5
_RESAMPLES = 2_000
_BINS = 8
_LEAST = 1e-6
Queries = Sequence[LabelledQuery]


def probabilities(queries: Queries, settings: ComplexitySettings) -> FloatArray:
    """That each question takes several steps; a point stands for `LOGIT_OF_POINT` of logit."""
    found = [estimate_complexity(one.text, settings=settings) for one in queries]
    return np.array(
        [
            1.0 / (1.0 + np.exp(-LOGIT_OF_POINT * (one.points - settings.complex_points)))
            if one.probability is None
            else one.probability
            for one in found
        ]
    )


def learned_from(queries: Queries, strength: float = STRENGTH) -> ComplexitySettings:
    """Settings with what is learned from the questions."""
    return ComplexitySettings(learned=own_complexity(queries, strength=strength))


def held_out(queries: Queries, strength: float, *, repeats: int = 4) -> FloatArray:
    """Probabilities by fits that did not see the question, shape (repeats, n)."""
    result = np.zeros((repeats, len(queries)))
    for repeat in range(repeats):
        dealt = np.random.default_rng(repeat).permutation(len(queries)) % _FOLDS
        for fold in range(_FOLDS):
            others = [one for one, at in zip(queries, dealt, strict=True) if at != fold]
            rows = np.flatnonzero(dealt == fold)
            settings = learned_from(others, strength)
            result[repeat, rows] = probabilities([queries[row] for row in rows.tolist()], settings)
    return result


def log_loss(probability: FloatArray, labels: FloatArray) -> FloatArray:
    """Of each question."""
    right = np.where(labels == 1.0, probability, 1.0 - probability)
    return np.asarray(-np.log(np.maximum(right, _LEAST)))


def calibration_error(probability: FloatArray, labels: FloatArray) -> float:
    """Mean distance of probability and frequency over bins of equally many questions."""
    bins = np.array_split(np.argsort(probability, kind="stable"), _BINS)
    gaps = [len(rows) * abs(probability[rows].mean() - labels[rows].mean()) for rows in bins]
    return float(sum(gaps) / len(labels))


def interval(values: FloatArray) -> str:
    """Mean and 95 % interval over questions."""
    draws = np.random.default_rng(0).integers(0, len(values), size=(_RESAMPLES, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    return f"{values.mean():+.3f} ({low:+.3f} to {high:+.3f})"


def labels_of(queries: Queries) -> FloatArray:
    """1 for several steps."""
    return np.array([float(one.several_steps) for one in queries])


def hits(probability: FloatArray, labels: FloatArray) -> FloatArray:
    """1 where the side of even odds is the right one."""
    return np.asarray((probability >= 0.5) == (labels == 1.0), dtype=np.float64)


def print_strengths(queries: Queries) -> None:
    """What each strength comes to on the half that is learned from."""
    labels = labels_of(queries)
    print("| strength | accuracy | log loss |\n| --- | --- | --- |")
    for strength in STRENGTHS:
        by_repeat = held_out(queries, strength)
        accuracy = np.mean([hits(one, labels) for one in by_repeat])
        loss = np.mean([log_loss(one, labels) for one in by_repeat])
        print(f"| {strength:,.0f} | {accuracy:.3f} | {loss:.3f} |", flush=True)


def print_results(by_name: Mapping[str, FloatArray], labels: FloatArray) -> None:
    """A row for each estimator, with what it gains over the first."""
    shipped = next(iter(by_name.values()))
    print("| estimator | accuracy | gain | log loss | gain | calibration error |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, found in by_name.items():
        right, loss = hits(found, labels), log_loss(found, labels)
        print(
            f"| {name} | {right.mean():.3f} | {interval(right - hits(shipped, labels))} | "
            f"{loss.mean():.3f} | {interval(log_loss(shipped, labels) - loss)} | "
            f"{calibration_error(found, labels):.3f} |"
        )


def plot(by_name: Mapping[str, FloatArray], labels: FloatArray, path: Path) -> None:
    """Frequency by probability, in bins of equally many questions. Needs matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 4.5))
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, label="right on average")
    for name, found in by_name.items():
        bins = np.array_split(np.argsort(found, kind="stable"), _BINS)
        x = [float(found[rows].mean()) for rows in bins]
        axes.plot(x, [float(labels[rows].mean()) for rows in bins], marker=".", label=name)
    axes.set(
        xlabel="probability of several steps", ylabel="part that takes several steps", xlim=(0, 1)
    )
    axes.legend(fontsize=7)
    figure.savefig(path / "complexity-reliability.png", dpi=110, bbox_inches="tight")
    pyplot.close(figure)


def main() -> None:
    """Print machine, command and figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="directory of the data sets")
    parser.add_argument("--plot", type=Path, help="write the reliability plot into this folder")
    options = parser.parse_args()
    print(f"machine: {platform.machine()}, {platform.system()}, Python {platform.python_version()}")
    print(f"command: {shlex.join(['python', *sys.argv])}")
    queries = load_queries(options.data)
    even, odd = queries[::2], queries[1::2]
    labels = labels_of(odd)
    print(f"learned from {len(even)} questions, measured on {len(odd)}")
    print_strengths(even)
    shipped = probabilities(odd, ComplexitySettings())
    learned = probabilities(odd, learned_from(even))
    points = ComplexitySettings(signal_points=fit_points(even))
    print_results(
        {
            "shipped points": shipped,
            "points fitted on the even half": probabilities(odd, points),
            "learned on the even half": learned,
            "learned by cross-validation in the odd half": held_out(odd, STRENGTH)[0],
        },
        labels,
    )
    if options.plot:
        plot({"shipped points": shipped, "learned": learned}, labels, options.plot)


if __name__ == "__main__":
    main()
