"""Measure the complexity estimator on questions labelled as single- or several-step.

    python benchmarks/complexity.py --data DIRECTORY

DIRECTORY holds `query-complexity.jsonl.gz`: one JSON object with `queries`, each with `text`,
`category` (`single` or `multi`) and `dataset`. Its questions come from Natural Questions, TriviaQA,
HotpotQA, 2WikiMultihopQA, MuSiQue and StrategyQA, all public.
"""

from __future__ import annotations

import argparse
import gzip
import json
import platform
import shlex
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

from mba_integrations.core.budget.complexity import estimate_complexity
from mba_integrations.core.config.settings import ComplexitySettings
from mba_integrations.learning.complexity_fit import (
    FITTED_SIGNALS,
    Accuracy,
    LabelledQuery,
    cross_validate,
    fit_points,
    leave_one_source_out,
    measure,
)

SET_FILE = "query-complexity.jsonl.gz"


def load_queries(directory: Path, *, fine: bool = False) -> list[LabelledQuery]:
    """The labelled questions; `fine` keeps the part of a data set in its source's name."""
    with gzip.open(directory / SET_FILE, "rt", encoding="utf-8") as file:
        pools = [json.loads(line) for line in file if line.strip()]
    return [
        LabelledQuery(
            text=query["text"],
            several_steps=query["category"] == "multi",
            source=query["dataset"] if fine else query["dataset"].partition(":")[0],
        )
        for pool in pools
        for query in pool["queries"]
    ]


def print_accuracy(title: str, accuracy: Accuracy) -> None:
    """One line of totals, one line for each source."""
    print(f"\n{title}")
    print(
        f"  accuracy {accuracy.mean:.3f}, 95 % interval {accuracy.low:.3f} to {accuracy.high:.3f}"
    )
    for name, part in (("single", accuracy.of_single), ("several", accuracy.of_several)):
        print(f"  {name + ' steps':<28}{'unknown' if part is None else format(part, '.3f')}")
    for source, part in sorted(accuracy.by_source.items()):
        print(f"  {source:<28}{part:.3f}")


def print_speed(queries: list[LabelledQuery], settings: ComplexitySettings) -> None:
    """Levels of the questions, and the median time of one estimate."""
    levels: Counter[str] = Counter()
    times_ms = []
    for query in queries:
        start = time.perf_counter()
        levels[estimate_complexity(query.text, settings=settings).complexity.value] += 1
        times_ms.append((time.perf_counter() - start) * 1000)
    print("\nlevels: " + ", ".join(f"{level} {count}" for level, count in levels.most_common()))
    print(f"median time of an estimate: {float(np.median(times_ms)):.3f} ms")


def main() -> None:
    """Print machine, command and figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="directory of the data sets")
    parser.add_argument("--repeats", type=int, default=20, help="repeats of the 5 folds")
    options = parser.parse_args()
    settings = ComplexitySettings()
    queries = load_queries(options.data)
    fine = load_queries(options.data, fine=True)
    several = sum(query.several_steps for query in queries)
    print(f"machine: {platform.machine()}, {platform.system()}, Python {platform.python_version()}")
    print(f"command: {shlex.join(['python', *sys.argv])}")
    print(f"questions: {len(queries) - several} single-step, {several} several-step")
    print(f"always 'several' is right for {several / len(queries):.3f}")
    fitted = {signal.value: points for signal, points in fit_points(queries, settings).items()}
    shipped = {signal.value: settings.points_of(signal) for signal in FITTED_SIGNALS}
    print(f"points fitted on all questions: {fitted}; shipped: {shipped}")
    held_out = cross_validate(fine, settings, repeats=options.repeats)
    print_accuracy(f"5-fold cross-validation, {options.repeats} repeats, fitted in fold", held_out)
    print_accuracy("leave one source out, fitted on the others", leave_one_source_out(queries))
    print_accuracy("shipped points, on the questions they are fitted on", measure(fine, settings))
    print_speed(queries, settings)


if __name__ == "__main__":
    main()
