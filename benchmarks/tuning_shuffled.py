"""Labels that say nothing: how often does tuning propose? `python -m benchmarks.tuning_shuffled`.

A workspace whose settings are wrong on purpose (`tuning_traffic`) is tuned with the labels that are
true, and with each label on a memory that is drawn from all candidates, by seeds 0 to 19. With
drawn labels nothing is known of what is needed, so at most one run in twenty may end as a proposal.

What is decided under some settings does not hang on labels, so it is decided once for all runs that
try them.

    python -m benchmarks.tuning_shuffled --runs 20 --recalls 300 --trials 12
"""

from __future__ import annotations

import argparse
from collections import Counter

from benchmarks.tuning_traffic import traffic, with_shuffled_labels, wrong_config
from mba_integrations import PreviousPrompt
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.learning.gate.verdict import Answer
from mba_integrations.learning.replay.choosing import Choosing
from mba_integrations.learning.replay.records import ReplayRecord
from mba_integrations.learning.tuning import bench
from mba_integrations.learning.tuning.tune import Tuned, tune


class Once(Choosing):
    """Chooses once for a record under the same settings: sessions are decided in their order."""

    _known: dict[tuple[str, int, str], Allocation] = {}  # noqa: RUF012  # shared by all runs

    def chosen(
        self, record: ReplayRecord, config: WorkspaceConfig, previous: PreviousPrompt | None
    ) -> Allocation:
        """See `Choosing`."""
        key = record.allocation_id, record.budget_tokens, config.model_dump_json()
        if key not in self._known:
            self._known[key] = Choosing.chosen(self, record, config, previous)
        return self._known[key]


def said(name: str, found: Tuned) -> None:
    """Print what came of a run."""
    reasons = " ".join(found.verdict.reasons)
    print(f"{name}: {found.verdict.answer.value}; {reasons} {found.changes or ''}", flush=True)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--recalls", type=int, default=300)
    parser.add_argument("--trials", type=int, default=12)
    given = parser.parse_args()
    setattr(bench, "Choosing", Once)  # noqa: B010  # a module has no such attribute for mypy
    records = traffic(given.recalls)
    said("true labels", tune(records, wrong_config(), trials=given.trials))
    answers: Counter[Answer] = Counter()
    for seed in range(given.runs):
        shuffled = with_shuffled_labels(records, seed)
        found = tune(shuffled, wrong_config(), trials=given.trials)
        answers[found.verdict.answer] += 1
        said(f"shuffled, seed {seed}", found)
    refused = given.runs - answers[Answer.PROPOSAL]
    print(f"{refused} of {given.runs} runs with shuffled labels are refused: {dict(answers)}")


if __name__ == "__main__":
    main()
