"""The synthetic probe: scores that jitter, and nothing else.

80 items of 40 to 80 tokens with a relevance between 0 and 1, a budget for half of their tokens, and
20 turns in each of which every relevance is drawn anew around its own: by a uniform step of at most
the jitter, cut to [0, 1]. A prompt is compared with the one that would be chosen anew for the same
scores: their reusable prefixes, and the sum over their items of score times tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mba_integrations import Allocation, MemoryBudgetAllocator, MemoryItem, WorkspaceConfig
from mba_integrations.core.counting.tiktoken_counters import counter_for_model

ITEMS, TURNS, SEEDS = 80, 20, 20
JITTERS = (0.05, 0.2)
STABILITIES = (0.0, 0.05, 0.1, 0.13, 0.2, 0.3, 0.7, 1.0)
_WORDS = ("oak", "elm", "fir", "ash", "yew", "bay", "fig", "nut", "gum", "box")
_BY_RELEVANCE = {
    "scoring_method": "weighted_sum",
    "relevance_weight": 1.0,
    "importance_weight": 0.0,
    "freshness_weight": 0.0,
    "duplicate_threshold": None,
    "passage_min_tokens": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What was measured, as means over turns and seeds.

    Attributes:
        prefix: Share of the prompt's tokens in the reusable prefix.
        prefix_anew: The same where each turn is chosen anew.
        loss: Part of the value of the selection chosen anew that is lost.
    """

    prefix: float
    prefix_anew: float
    loss: float


def probe(jitter: float, stability: float, *, seeds: int = SEEDS) -> Probe:
    """Run the turns for every seed."""
    rows = np.array([_turns(jitter, stability, seed) for seed in range(seeds)])
    prefix, prefix_anew, loss = rows.reshape(-1, 3).mean(axis=0)
    return Probe(prefix=float(prefix), prefix_anew=float(prefix_anew), loss=float(loss))


def _turns(jitter: float, stability: float, seed: int) -> list[tuple[float, float, float]]:
    draw = np.random.default_rng(seed)
    items = [_item(number, int(size)) for number, size in enumerate(draw.integers(39, 80, ITEMS))]
    relevance = draw.uniform(0.0, 1.0, ITEMS)
    budget = _tokens(items) // 2
    allocator = MemoryBudgetAllocator()
    allocator.register_workspace(
        WorkspaceConfig(workspace_id="w", stability=stability, **_BY_RELEVANCE)
    )
    before: Allocation | None = None
    anew_before: Allocation | None = None
    rows = []
    for _ in range(TURNS):
        now = np.clip(relevance + draw.uniform(-jitter, jitter, ITEMS), 0.0, 1.0)
        turn = [
            replace(item, relevance=float(score)) for item, score in zip(items, now, strict=True)
        ]
        following = allocator.allocate_memory_budget("", turn, "w", budget, previous=before)
        anew = allocator.allocate_memory_budget("", turn, "w", budget)
        if before is not None and anew_before is not None:
            rows.append(
                (
                    following.stable_prefix_tokens / following.used_tokens,
                    _shared_tokens(anew_before, anew) / anew.used_tokens,
                    1.0 - following.value / anew.value,
                )
            )
        before, anew_before = following, anew
    return rows


def _item(number: int, size: int) -> MemoryItem:
    """An item whose line has so many tokens and one for its number."""
    words = [_WORDS[(number + place) % len(_WORDS)] for place in range(size - 3)]
    return MemoryItem(f"m{number}", f"{number} {' '.join(words)}", "long_term")


def _tokens(items: list[MemoryItem]) -> int:
    return sum(counter_for_model("gpt-4o").count_batch([f"- {item.content}\n" for item in items]))


def _shared_tokens(before: Allocation, after: Allocation) -> int:
    from mba_integrations.core.selection.assembly import reused_beginning

    shared = reused_beginning(before.prompt_text, after.prompt_text)
    return counter_for_model("gpt-4o").count(after.prompt_text[:shared])


def print_probe() -> None:
    """Measure and print every jitter and stability."""
    print(f"\nSynthetic probe: {ITEMS} items, {TURNS} turns, {SEEDS} seeds")
    print(f"{'jitter':>6} {'stability':>9} {'prefix':>7} {'anew':>7} {'value lost':>10}")
    for jitter in JITTERS:
        for stability in STABILITIES:
            found = probe(jitter, stability)
            print(
                f"{jitter:6.2f} {stability:9.2f} {found.prefix:7.3f} {found.prefix_anew:7.3f} "
                f"{100 * found.loss:9.2f}%",
                flush=True,
            )
