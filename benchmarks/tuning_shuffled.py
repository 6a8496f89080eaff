"""Tuning on labels that say nothing: how often does it propose? `python -m benchmarks.tuning_shuffled`.

A workspace whose settings are wrong on purpose (`tuning_traffic`) is tuned once with the labels that
are true, and with each label on a memory that is drawn from all candidates, for each of the seeds 0
to 19: of the traffic, of the labels and of the search. With drawn labels no settings are better, so
at most one run in twenty may end as a proposal.

    python -m benchmarks.tuning_shuffled --runs 20 --recalls 300 --trials 6
"""

from __future__ import annotations

import argparse
from collections import Counter

from benchmarks.tuning_traffic import traffic, with_shuffled_labels, wrong_config
from mba_integrations.learning.gate.verdict import Answer
from mba_integrations.learning.tuning.tune import Tuned, tune


def said(name: str, found: Tuned) -> None:
    """Print what came of a run."""
    reasons = " ".join(found.verdict.reasons)
    print(f"{name}: {found.verdict.answer.value}; {reasons} {found.changes or ''}", flush=True)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--recalls", type=int, default=300)
    parser.add_argument("--trials", type=int, default=6)
    given = parser.parse_args()
    answers: Counter[Answer] = Counter()
    for seed in range(given.runs):
        records = with_shuffled_labels(traffic(given.recalls, seed=seed), seed)
        found = tune(records, wrong_config(), trials=given.trials, seed=seed)
        answers[found.verdict.answer] += 1
        said(f"shuffled, seed {seed}", found)
    said("true labels", tune(traffic(given.recalls), wrong_config(), trials=given.trials))
    refused = given.runs - answers[Answer.PROPOSAL]
    print(f"{refused} of {given.runs} runs with shuffled labels are refused: {dict(answers)}")


if __name__ == "__main__":
    main()
