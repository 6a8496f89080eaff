"""Evidence recall at equal tokens: how much of what the answer needs is in the prompt.

    python -m benchmarks.evidence --data ../shared/data --out evidence.json --curves docs/images
    python -m benchmarks.evidence --data ../shared/data \
        --fit mba_integrations/core/value/usefulness.json

Figures of usefulness on a set come from coefficients that were fitted without that set. Intervals
are 95 % bootstrap intervals, resampling pools where a set has at least five, else questions.
The bias of this page: it is written by the authors of one of the methods.

The public sets: REALTALK (arXiv 2502.13270), BEAM, 2WikiMultihopQA, HotpotQA, StrategyQA, QASPER,
CoSQA and tau2-bench, each brought into the form that `evidence_data` reads.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import evidence_methods as methods
from benchmarks.evidence_data import EvidencePool, EvidenceQuery, has_minilm, load_set
from benchmarks.evidence_data import local_embedder as make_local_embedder
from mba_integrations.core.arrays import BoolArray, FloatArray
from mba_integrations.core.value.usefulness import UsefulnessModel
from mba_integrations.learning.usefulness_fit import (
    Example,
    Prepared,
    fit_usefulness,
    prepared,
)

BUDGETS = (256, 512, 1024, 1536, 2048, 3072, 4096, 6144, 8192)
SHOWN = (256, 512, 1024, 2048, 4096)
FITTED_SETS = (
    *("realtalk", "beam-100k", "2wikimultihopqa-merged", "hotpotqa-merged"),
    "musique-train-merged",
)
KINDS = ("tokens", "dense", "lexical")
# Without vectors a fit with MuSiQue finds no more there, and 1.6 points less on realtalk.
LEFT_OUT: Mapping[str, frozenset[str]] = {"lexical": frozenset({"musique-train-merged"})}
"""Sets that a kind of coefficients is not fitted on."""
OTHER_SETS = (
    "implicit-dialogues",
    "strategyqa-facts-merged",
    "2wikimultihopqa-merged-large",
    "cosqa",
    "tau2-banking-kb",
)
_NEIGHBOURS = (
    "before",
    "after",
    "two_before",
    "two_after",
    "wider",
    "answers",
    "asks_before_match",
)
_ESTIMATES = ("before_estimate", "after_estimate", "wider_estimate", "source_estimate")
_AROUND = ("around_z", "around_gap", "around_rank")
ABLATIONS: Mapping[str, tuple[str, ...]] = {
    "neighbours": (*_NEIGHBOURS, *_ESTIMATES[:3]),
    "best of the source": ("source_best", "source_estimate"),
    "speakers": ("speaker_meant", "other_speaker_meant", "asker_role"),
    "time asked for": ("near_period", "latest_asked", "first_asked"),
    "headings": ("named_in_query", "named_by_strong"),
    "rare terms": ("shares_rare_terms",),
    "names": ("shares_names",),
    "vectors where words find nothing": ("dense_rank_alone", "dense_share_alone"),
    "tokens": _AROUND,
    "similarity to strong items": ("like_strong",),
    "length": ("substance", "excess_length"),
    "freshness and updates": ("freshness", "outdated"),
    "all feedback": (
        *_ESTIMATES,
        "named_by_strong",
        "shares_rare_terms",
        "shares_names",
        "like_strong",
        "outdated",
    ),
}
_RESAMPLES = 1000
_MAX_ABLATED = 200
"""Questions of a set that an ablation measures at most."""

Sets = dict[str, list[EvidencePool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Recall of one method on one set, shape (questions, budgets), in [0, 1]."""

    recall: FloatArray
    pool_of_question: FloatArray
    categories: tuple[str, ...]

    def summary(self, where: BoolArray | None = None) -> dict[str, Any]:
        """Means and intervals, in percent, by budget."""
        recall = self.recall if where is None else self.recall[where]
        pools = self.pool_of_question if where is None else self.pool_of_question[where]
        low, high = bootstrap_interval(recall, pools)
        full = np.mean(recall > 1.0 - 1e-9, axis=0)
        return {
            "questions": len(recall),
            "recall": _percent(recall.mean(axis=0)),
            "low": _percent(low),
            "high": _percent(high),
            "full_coverage": _percent(full),
        }


def measured(pools: Sequence[EvidencePool], method: methods.Method) -> Outcome:
    """Recall of *method* on every question of the pools."""
    rows, owners, categories = [], [], []
    for number, pool in enumerate(pools):
        for query in pool.queries:
            taken = methods.selections(method(pool, query), pool.tokens, BUDGETS)
            rows.append([_recall(query, one) for one in taken])
            owners.append(number)
            categories.append(query.category)
    return Outcome(
        recall=np.array(rows),
        pool_of_question=np.array(owners, float),
        categories=tuple(categories),
    )


def _recall(query: EvidenceQuery, taken: BoolArray) -> float:
    hits = [bool(taken[list(group)].any()) for group in query.evidence]
    return sum(hits) / len(hits)


def bootstrap_interval(recall: FloatArray, pools: FloatArray) -> tuple[FloatArray, FloatArray]:
    """95 % interval of the mean over questions, by column.

    Args:
        recall: One row for each question, shape (questions, columns).
        pools: Pool of each question, shape (questions,). Pools are resampled if there are at
            least five, else questions.
    """
    clusters = [recall[pools == pool] for pool in np.unique(pools)]
    if len(clusters) < 5:
        clusters = [row[None, :] for row in recall]
    sums = np.array([cluster.sum(axis=0) for cluster in clusters])
    counts = np.array([len(cluster) for cluster in clusters], dtype=float)
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(clusters), size=(_RESAMPLES, len(clusters)))
    means = np.array([sums[d].sum(axis=0) / counts[d].sum() for d in draws])
    return np.percentile(means, 2.5, axis=0), np.percentile(means, 97.5, axis=0)


def _percent(values: FloatArray) -> list[float]:
    return [round(100.0 * float(value), 1) for value in values]


def of_kind(pools: Sequence[EvidencePool], kind: str) -> list[EvidencePool]:
    """The pools with what a kind of coefficients may see: "tokens", "dense" or "lexical"."""
    if kind == "tokens":
        return list(pools)
    hidden: dict[str, Any] = {"tokens": None} | ({} if kind == "dense" else {"vector": None})
    return [
        replace(
            pool,
            corpus=pool.corpus if kind == "dense" else replace(pool.corpus, vectors=None),
            queries=tuple(replace(query, **hidden) for query in pool.queries),
        )
        for pool in pools
    ]


def examples(pools: Sequence[EvidencePool]) -> list[Example]:
    """The questions of a set in the form that fitting takes."""
    return [
        Example(
            question=methods.question(query),
            corpus=pool.corpus,
            freshness=methods.freshness(pool, query),
            needed=pool.labels(query),
        )
        for pool in pools
        for query in pool.queries
    ]


class Fits:
    """Coefficients from `FITTED_SETS`, whose features are worked out once for each kind.

    Args:
        sets: The sets by name.
        kinds: Kinds of coefficients.
    """

    def __init__(self, sets: Sets, kinds: Sequence[str] = KINDS) -> None:
        self._sets = sets
        self._kinds = kinds
        self._prepared: dict[tuple[str, str], list[Prepared]] = {}

    def without(
        self, held_out: str | None, *, features: frozenset[str] = frozenset()
    ) -> dict[str, UsefulnessModel]:
        """Coefficients from all sets but *held_out*, without those *features*."""
        return {
            kind: fit_usefulness(
                [
                    self._of(name, kind)
                    for name in FITTED_SETS
                    if name != held_out and name not in LEFT_OUT.get(kind, ())
                ],
                without=features,
            )
            for kind in self._kinds
        }

    def _of(self, name: str, kind: str) -> list[Prepared]:
        if (name, kind) not in self._prepared:
            self._prepared[name, kind] = prepared(examples(of_kind(self._sets[name], kind)))
        return self._prepared[name, kind]


def fitted_without(
    sets: Sets, held_out: str | None, *, kinds: Sequence[str]
) -> dict[str, UsefulnessModel]:
    """Coefficients from all fitted sets but *held_out*, once."""
    return Fits(sets, kinds).without(held_out)


def compared(
    pools: Sequence[EvidencePool],
    local_pools: Sequence[EvidencePool],
    models: Mapping[str, UsefulnessModel],
) -> dict[str, Outcome]:
    """Every method on one set."""
    ours = methods.usefulness(models)
    return {
        "newest first": measured(pools, methods.newest_first),
        "Mem0 weighted sum": measured(pools, methods.mem0_weighted_sum),
        "embedding top-k": measured(pools, methods.cosine),
        "BM25": measured(pools, methods.bm25),
        "RRF": measured(pools, methods.reciprocal_ranks),
        "min-max hybrid": measured(pools, methods.min_max_hybrid),
        "mem0 scoring": measured(pools, methods.mem0_published),
        "relevance": measured(pools, methods.relevance_only),
        "usefulness, lexical only": measured(of_kind(pools, "lexical"), ours),
        "usefulness, local embedder": measured(local_pools, ours),
        "usefulness": measured(of_kind(pools, "dense"), ours),
        **({"usefulness, tokens": measured(pools, ours)} if _have_tokens(pools) else {}),
    }


def _have_tokens(pools: Sequence[EvidencePool]) -> bool:
    return all(query.tokens is not None for pool in pools for query in pool.queries)


def tokens_for(outcome: Outcome, recall: float) -> float | None:
    """Tokens at which the method's mean recall reaches *recall*, interpolated; None beyond."""
    means = outcome.recall.mean(axis=0)
    reached = np.flatnonzero(means >= recall)
    if not len(reached):
        return None
    at = int(reached[0])
    if at == 0:
        return float(BUDGETS[0])
    share = (recall - means[at - 1]) / (means[at] - means[at - 1])
    return float(BUDGETS[at - 1] + share * (BUDGETS[at] - BUDGETS[at - 1]))


def _print_table(title: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
    columns = [BUDGETS.index(budget) for budget in SHOWN]
    print(f"\n### {title}\n")
    print("| selection | " + " | ".join(str(budget) for budget in SHOWN) + " | full at 1024 |")
    print("| --- |" + " --- |" * (len(SHOWN) + 1))
    for name, row in rows.items():
        cells = [
            f"{row['recall'][c]:.1f} [{row['low'][c]:.1f}, {row['high'][c]:.1f}]" for c in columns
        ]
        full = row["full_coverage"][BUDGETS.index(1024)]
        print(f"| {name} | " + " | ".join(cells) + f" | {full:.1f} |", flush=True)


def _report(name: str, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    summaries = {method: outcome.summary() for method, outcome in outcomes.items()}
    _print_table(f"{name}, {summaries['usefulness']['questions']} questions", summaries)
    goal = float(outcomes["usefulness"].recall.mean(axis=0)[BUDGETS.index(1024)])
    needed = tokens_for(outcomes["embedding top-k"], goal)
    shown = f"{needed:.0f}" if needed else f"over {BUDGETS[-1]}"
    print(f"\nembedding top-k needs {shown} tokens for a recall of {goal:.3f}")
    kinds = sorted(set(outcomes["usefulness"].categories))
    by_category = {
        kind: {
            method: outcome.summary(np.array([c == kind for c in outcome.categories]))
            for method, outcome in outcomes.items()
        }
        for kind in kinds
    }
    for kind, rows in by_category.items() if len(kinds) > 1 else ():
        best = max(row["recall"][2] for m, row in rows.items() if not m.startswith("usefulness"))
        ours = rows["usefulness"]
        print(
            f"  {kind}: {ours['questions']} questions, at 1024 tokens usefulness "
            f"{ours['recall'][2]}, best other {best}"
        )
    return {"methods": summaries, "categories": by_category, "topk_tokens_for_ours": needed}


def run(data: Path, names: Sequence[str], *, ablation: bool) -> dict[str, Any]:
    """Measure all methods on the sets, print the tables, return the figures."""
    embedder = make_local_embedder()
    sets: Sets = {name: load_set(data, name, dense="tokens") for name in FITTED_SETS}
    result: dict[str, Any] = {"budgets": BUDGETS, "machine": machine(), "sets": {}}
    fits = Fits(sets)
    everything: dict[str, UsefulnessModel] | None = None
    for name in names:
        local = load_set(data, name, dense="local", embedder=embedder)
        if name in FITTED_SETS:
            models = fits.without(name)
        else:
            models = everything = everything or fits.without(None)
        stored = sets.get(name) or (
            load_set(data, name, dense="tokens") if has_minilm(data, name) else local
        )
        result["sets"][name] = _report(name, compared(stored, local, models))
    if ablation:
        fits = Fits(sets, ["tokens"])
        result["ablation"] = {name: _ablation(sets, fits, name) for name in FITTED_SETS}
    return result


def _ablation(sets: Sets, fits: Fits, name: str) -> dict[str, Any]:
    pools, rows = evenly(sets[name], _MAX_ABLATED), {}
    for label, features in {"nothing": (), **ABLATIONS}.items():
        models = fits.without(name, features=frozenset(features))
        rows[f"without {label}"] = measured(pools, methods.usefulness(models)).summary()
    asked = rows["without nothing"]["questions"]
    _print_table(f"{name}, features left out of the fit, {asked} questions", rows)
    return rows


def evenly(pools: Sequence[EvidencePool], most: int) -> list[EvidencePool]:
    """The pools with at most *most* of their questions, every so many of all."""
    step = -(-sum(len(pool.queries) for pool in pools) // most)
    ends = np.cumsum([0, *(len(pool.queries) for pool in pools)])
    return [
        replace(pool, queries=pool.queries[-int(end) % step :: step])
        for pool, end in zip(pools, ends, strict=False)
    ]


def write_coefficients(data: Path, path: Path) -> None:
    """Fit on all of `FITTED_SETS` and write the file that the package ships."""
    sets: Sets = {name: load_set(data, name, dense="tokens") for name in FITTED_SETS}
    fits = Fits(sets)
    held_out: dict[str, dict[str, dict[str, float]]] = {}
    for name in FITTED_SETS:
        ours = methods.usefulness(fits.without(name))
        for kind in KINDS:
            summary = measured(of_kind(sets[name], kind), ours).summary()
            figures = [summary["recall"][BUDGETS.index(budget)] for budget in SHOWN]
            held_out.setdefault(kind, {})[name] = dict(zip(map(str, SHOWN), figures, strict=True))
            print(kind, name, *figures, flush=True)
    record = {
        "format": 1,
        "fitted_on": list(FITTED_SETS),
        "left_out": {kind: sorted(names) for kind, names in LEFT_OUT.items()},
        "fitted_by": "python -m benchmarks.evidence --fit, see learning/usefulness_fit.py",
        "embeddings": "all-MiniLM-L6-v2",
        "held_out_recall_pct": held_out,
        "held_out_note": "by tokens; each set measured with coefficients fitted on the others",
        "models": {kind: _as_dict(model) for kind, model in fits.without(None).items()},
    }
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _as_dict(model: UsefulnessModel) -> dict[str, Any]:
    stages = {"first": model.first, "final": model.final}
    return {
        name: {"intercept": stage.intercept, "weights": dict(stage.weights)}
        for name, stage in stages.items()
    }


def write_curves(result: Mapping[str, Any], folder: Path) -> None:
    """One PNG for each set: recall by tokens. Needs matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    for name, record in result["sets"].items():
        figure, axes = pyplot.subplots(figsize=(7, 4.5))
        for method, row in record["methods"].items():
            look: dict[str, Any] = {}
            if method == "usefulness":
                look = {"color": "black", "linewidth": 2.5}
            axes.plot(result["budgets"], row["recall"], marker=".", label=method, **look)
        axes.set_xscale("log", base=2)
        axes.set_xticks(SHOWN, [str(budget) for budget in SHOWN])
        axes.set(xlabel="budget in tokens", ylabel="evidence recall, %", title=name)
        axes.legend(fontsize=7)
        figure.savefig(folder / f"evidence-{name}.png", dpi=110, bbox_inches="tight")
        pyplot.close(figure)


def machine() -> str:
    """Processor architecture, Python and numpy."""
    return (
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"numpy {np.__version__}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Evidence recall at equal tokens.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the evidence sets")
    parser.add_argument("--sets", nargs="+", default=[*FITTED_SETS, *OTHER_SETS])
    parser.add_argument("--out", type=Path, help="write all figures to this JSON file")
    parser.add_argument("--curves", type=Path, help="write PNG curves into this folder")
    parser.add_argument(
        "--ablation", action="store_true", help="refit without each group of features"
    )
    parser.add_argument("--fit", type=Path, help="fit the coefficients, write them, and stop")
    options = parser.parse_args(arguments)
    if options.fit:
        write_coefficients(options.data, options.fit)
        return
    print(machine(), "| python -m benchmarks.evidence", *(arguments or sys.argv[1:]))
    result = run(options.data, options.sets, ablation=options.ablation)
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.curves:
        write_curves(result, options.curves)


if __name__ == "__main__":
    main()
