"""Have a selection follow the previous prompt.

What stays of it goes in first, in its order; an item that stood as a passage stays that passage.
The rest is chosen as ever. With a `stability` of 0 nothing goes in first: items that are chosen
again stand before new ones in their section, and that is all.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.selection.assembly import Continuation
from mba_integrations.core.selection.selector import Selector
from mba_integrations.core.selection.shortening import with_passages
from mba_integrations.core.turns.holding import Holding, HoldingProblem, chronological_tiers, hold
from mba_integrations.core.turns.previous import Standing


def following(selector: Selector, standing: Standing, *, stability: float) -> Selector:
    """The selector that follows what is left of the previous prompt.

    Args:
        selector: One that follows nothing.
        standing: What of the previous prompt is among its candidates.
        stability: Part of its tokens that an item does not pay for if it stays, in [0, 1].
    """
    if not standing.kept and not standing.changing:
        return selector
    if stability <= 0.0:
        selector.after = Continuation(kept=standing.kept)
        return selector
    holding = _holding(selector, standing, stability)
    stays = standing.kept[: holding.count]
    shown = {row: item for row, item in standing.shown.items() if row in stays}
    if shown:
        selector = _as_it_stood(selector, shown)
    selector.after = Continuation(
        beginning=stays,
        opens=standing.opens[: holding.count],
        kept=(*_new_pins(selector, standing), *standing.kept),
        changing=standing.changing,
    )
    selector.closed, selector.bound = holding.closed, holding.upper_bound
    return selector


def _new_pins(selector: Selector, standing: Standing) -> list[int]:
    """Pins that were not in the previous prompt: they stay, so they come before other new items."""
    pinned = np.flatnonzero(selector.snapshot.columns.pinned)
    return [int(row) for row in pinned if row not in standing.kept]


def _holding(selector: Selector, standing: Standing, stability: float) -> Holding:
    rows = np.array(standing.kept[: standing.lead], dtype=np.int64)
    layout = selector.layout
    as_it_stood = _as_it_stood(selector, standing.shown) if standing.shown else selector
    return hold(
        HoldingProblem(
            snapshot=selector.snapshot,
            units=selector.units,
            density=selector.density(),
            rows=rows,
            opens=np.array(standing.opens[: standing.lead], dtype=bool),
            tokens=as_it_stood.tokens.of(rows),
            value=as_it_stood.values(rows),
            min_score=selector.min_score,
            plan=selector.plan,
            opening=selector.opening,
            fixed_tokens=layout.fixed_tokens(selector.counter),
            chronological=chronological_tiers({tier: layout.order_of(tier) for tier in MemoryTier}),
            stability=stability,
        )
    )


def _as_it_stood(selector: Selector, shown: Mapping[int, MemoryItem]) -> Selector:
    """Items are the passages that they stood as; how they match the query now is not asked."""
    return with_passages(selector, shown, dict.fromkeys(shown, 1.0))
