"""Whether the library chooses what a person would, on small pools and tight budgets.

    python -m benchmarks.scenarios --data ../shared/data --embedder local --misses

Each scenario is one call of the public API. Beside it stand BM25, newest first, cosine of the local
embedder and a draw of lots, each with the tokens that the library used and with the whole budget.
`scenario_data` has the form of the file, so that anybody can write scenarios of their own, and says
how a choice is judged. A scenario counts under its kind and under each of its tags.

recall    mean share of the needs that are met
full      share of the scenarios with all needs met and nothing misleading
harm      share of those with harmful items in which one misleads
junk      mean share of the used tokens that went to items without any label
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.evidence import machine
from benchmarks.scenario_data import Judgement, Scenario, choice_of, judged, load_scenarios
from benchmarks.scenario_methods import (
    Method,
    at_random,
    bm25,
    by_cosine,
    filled,
    line_tokens,
    newest_first,
)
from mba_integrations import MemoryBudgetAllocator
from mba_integrations.core.arrays import FloatArray
from mba_integrations.local_embedder import LocalEmbedder

LIBRARY = "library"
DRAWS = 20
SMALL_FILL = 0.1
"""A prompt of less than this share of the budget counts as an empty one."""

Judgements = dict[str, list[Judgement]]
"""Of each method, in the order of the scenarios."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """Unit vectors of one scenario's items, shape (n, d), and of its query; None without text."""

    items: FloatArray
    query: FloatArray | None


def vectors_of(scenario: Scenario, embedder: LocalEmbedder) -> Vectors:
    """Vectors by the local embedder."""
    texts = [item.content for item in scenario.items]
    asks = bool(scenario.query.strip())
    rows = np.asarray(embedder([*texts, scenario.query if asks else " "]), dtype=np.float32)
    return Vectors(rows[:-1], rows[-1] if asks else None)


def library_judgement(
    allocator: MemoryBudgetAllocator, scenario: Scenario, workspace: str, vectors: Vectors | None
) -> Judgement:
    """What the public API chooses in one call."""
    items = scenario.items
    if vectors is not None:
        pairs = zip(items, vectors.items, strict=True)
        items = tuple(replace(item, embedding=row) for item, row in pairs)
    allocation = allocator.allocate_memory_budget(
        scenario.query,
        items,
        workspace,
        scenario.budget_tokens,
        query_embedding=None if vectors is None else vectors.query,
        now=scenario.now,
    )
    if allocation.used_tokens > scenario.budget_tokens:
        raise AssertionError(f"{scenario.id}: over the budget")
    return judged(scenario, choice_of(allocation, scenario))


def others_judgements(
    scenario: Scenario, used_tokens: int, vectors: Vectors | None
) -> dict[str, Judgement]:
    """What simple methods choose, with the tokens that the library used and with the budget."""
    methods: dict[str, Method] = {"bm25": bm25, "newest": newest_first}
    if vectors is not None and vectors.query is not None:
        methods["embed"] = by_cosine(vectors.items, vectors.query)
    elif vectors is not None:
        methods["embed"] = by_cosine(vectors.items, np.zeros(vectors.items.shape[1]))
    tokens = line_tokens(scenario)
    found: dict[str, Judgement] = {}
    for where, limit in (("used", used_tokens), ("budget", scenario.budget_tokens)):
        for name, method in methods.items():
            choice = filled(scenario, method(scenario), limit, tokens)
            found[f"{name}@{where}"] = judged(scenario, choice)
        draws = [
            judged(scenario, filled(scenario, at_random(seed)(scenario), limit, tokens))
            for seed in range(DRAWS)
        ]
        found[f"random@{where}"] = _mean_judgement(draws)
    return found


def _mean_judgement(draws: Sequence[Judgement]) -> Judgement:
    return replace(
        draws[0],
        recall=mean([draw.recall for draw in draws]),
        full=mean([draw.full for draw in draws]),
        harm=mean([draw.harm for draw in draws]),
        junk=mean([draw.junk for draw in draws]),
        used_tokens=mean([draw.used_tokens for draw in draws]),
        fill=mean([draw.fill for draw in draws]),
    )


def mean(values: Sequence[float]) -> float:
    """Mean of the values that are known; NaN if none is.

    >>> mean([1.0, math.nan, 0.0])
    0.5
    """
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def measured(
    scenarios: Sequence[Scenario],
    allocator: MemoryBudgetAllocator,
    *,
    workspace: str,
    with_vectors: bool,
    with_others: bool,
) -> Judgements:
    """Judgements of every method.

    Args:
        scenarios: The scenarios.
        allocator: Has the workspace.
        workspace: Whose settings apply.
        with_vectors: Whether the library gets vectors.
        with_others: Whether the simple methods are measured as well.
    """
    embedder = LocalEmbedder() if with_vectors or with_others else None
    found: Judgements = defaultdict(list)
    for scenario in scenarios:
        vectors = None if embedder is None else vectors_of(scenario, embedder)
        ours = library_judgement(allocator, scenario, workspace, vectors if with_vectors else None)
        found[LIBRARY].append(ours)
        if with_others:
            others = others_judgements(scenario, round(ours.used_tokens), vectors)
            for name, judgement in others.items():
                found[name].append(judgement)
    return found


def _shown(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def print_totals(scenarios: Sequence[Scenario], judgements: Judgements) -> None:
    """One row for each method."""
    print("| method | recall | full | harm | junk | fill | idle: tokens | idle: fill | < 10 % |")
    print("| --- |" + " --- |" * 8)
    idle = [scenario.nothing_needed for scenario in scenarios]
    for name, of_method in judgements.items():
        asked = [one for one, skip in zip(of_method, idle, strict=True) if not skip]
        empty = [one for one, skip in zip(of_method, idle, strict=True) if skip]
        figures = [
            mean([getattr(one, figure) for one in asked])
            for figure in ("recall", "full", "harm", "junk", "fill")
        ]
        tokens = mean([one.used_tokens for one in empty])
        fill = mean([one.fill for one in empty])
        small = mean([float(one.fill < SMALL_FILL) for one in empty])
        cells = [*map(_shown, figures), f"{tokens:.0f}", _shown(fill), _shown(small)]
        print(f"| {name} | " + " | ".join(cells) + " |")


def print_kinds(scenarios: Sequence[Scenario], judgements: Judgements) -> None:
    """Recall and full of each kind, the library first."""
    methods = [name for name in judgements if name == LIBRARY or name.endswith("@budget")]
    print("\n| kind | n | " + " | ".join(methods) + " |")
    print("| --- |" + " --- |" * (len(methods) + 1))
    for kind, places in sorted(_places_by_kind(scenarios).items()):
        cells = [_cell([judgements[name][place] for place in places]) for name in methods]
        print(f"| {kind} | {len(places)} | " + " | ".join(cells) + " |")


def _places_by_kind(scenarios: Sequence[Scenario]) -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for place, scenario in enumerate(scenarios):
        for kind in scenario.kinds:
            found[kind].append(place)
    return found


def _cell(of_kind: Sequence[Judgement]) -> str:
    recall = mean([one.recall for one in of_kind])
    if math.isnan(recall):
        return f"{mean([one.used_tokens for one in of_kind]):.0f} tokens"
    return f"{recall:.2f} / {mean([one.full for one in of_kind]):.2f}"


def print_misses(scenarios: Sequence[Scenario], of_library: Sequence[Judgement]) -> None:
    """What the library left out and what misleads, scenario by scenario."""
    for scenario, judgement in zip(scenarios, of_library, strict=True):
        if judgement.full == 1.0 or scenario.nothing_needed:
            continue
        text = {item.id: item for item in scenario.items}
        print(
            f"\n{scenario.id} {scenario.kinds[0]}: {scenario.query[:90]!r} "
            f"({judgement.used_tokens:.0f} of {scenario.budget_tokens} tokens)"
        )
        for need in judgement.missing:
            item = text[need[0]]
            print("   missing", " or ".join(need), item.tier.value, repr(item.content[:100]))
        for one in judgement.misleading:
            print("   misleading", one, repr(text[one].content[:100]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Choices beside those of a person.")
    parser.add_argument("--data", type=Path, required=True, help="scenarios.jsonl, or its folder")
    parser.add_argument("--embedder", choices=["local", "none"], default="local")
    parser.add_argument("--workspace", default="default")
    parser.add_argument("--config", type=Path, help="YAML with workspaces; else the default one")
    parser.add_argument("--misses", action="store_true", help="list what is not as a person would")
    parser.add_argument("--alone", action="store_true", help="without the other methods")
    parser.add_argument("--out", type=Path, help="write all judgements to this JSON file")
    options = parser.parse_args(arguments)
    print(machine(), "| python -m benchmarks.scenarios", *(arguments or sys.argv[1:]))
    scenarios = load_scenarios(options.data)
    allocator = MemoryBudgetAllocator()
    if options.config is not None:
        allocator = MemoryBudgetAllocator.from_yaml(options.config)
    judgements = measured(
        scenarios,
        allocator,
        workspace=options.workspace,
        with_vectors=options.embedder == "local",
        with_others=not options.alone,
    )
    print(f"\n{len(scenarios)} scenarios, embedder {options.embedder}\n")
    print_totals(scenarios, judgements)
    print_kinds(scenarios, judgements)
    if options.misses:
        print_misses(scenarios, judgements[LIBRARY])
    if options.out is not None:
        record = {name: [asdict(one) for one in each] for name, each in judgements.items()}
        options.out.write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
