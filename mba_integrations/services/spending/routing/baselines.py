"""What routes cost, beside what two ways without a router would have cost.

    best single    every call to the strong model
    random mix     a coin sends calls to the strong model, so often that it costs as much

A router that costs what the coin costs, and sends as few calls to the strong model as the coin,
has chosen nothing. What the answers were worth is not in it: nobody has looked at them. Tokens are
those of the model that answered; another one would have written more or less.

    10 calls cost 40, all strong 100, all cheap 20:  a coin may send 0.25 of them to the strong one
"""

from __future__ import annotations

from dataclasses import dataclass

from mba_integrations.services.store.rows.gateway.usage import UsageFigures

MICROS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteReport:
    """Costs in US dollars, of calls whose prices are known; None where there is none.

    Attributes:
        calls: How many.
        cost: What they cost.
        routed_cost: What they would have cost by the routes; their cost where routes are on.
        single_cost: What they would have cost with the strong model alone.
        saved: Part of that which the routes save.
        strong_share: Part of the calls that the strong model answered.
        random_share: Part of them that a coin may send there at the cost of the routes.
    """

    calls: int
    cost: float | None = None
    routed_cost: float | None = None
    single_cost: float | None = None
    saved: float | None = None
    strong_share: float | None = None
    random_share: float | None = None


def report(figures: UsageFigures) -> RouteReport:
    """What recorded usage says of routes.

    >>> found = report(UsageFigures(priced=10, strong=3, requests=10, cost=40, routed_cost=40,
    ...                             strong_cost=100, cheap_cost=20))
    >>> found.saved, found.random_share
    (0.6, 0.25)
    """
    if not figures.priced:
        return RouteReport(calls=0)
    answered = figures.requests - figures.refused
    spread = figures.strong_cost - figures.cheap_cost
    over = figures.routed_cost - figures.cheap_cost
    return RouteReport(
        calls=figures.priced,
        cost=figures.cost / MICROS,
        routed_cost=figures.routed_cost / MICROS,
        single_cost=figures.strong_cost / MICROS,
        saved=1 - figures.routed_cost / figures.strong_cost if figures.strong_cost else None,
        strong_share=figures.strong / answered if answered else None,
        random_share=min(1.0, max(0.0, over / spread)) if spread > 0 else None,
    )
