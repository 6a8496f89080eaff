"""From how many points on queries go to the strong model, for a wanted share of them.

A threshold means nothing by itself; a share does: "a fifth of the queries". So the points of a log
of queries are counted, and the threshold is where the share comes closest without going over it:

    points    1  2  2  5  9      wanted 0.4
    from 5    2 of 5 = 0.4       from 2 it would be 0.8

Queries without evidence go by the setting `unknown` whatever the threshold. Where that is a level
of the strong model they are counted in, and where they alone are more than is wanted, no threshold
helps, and the share says so: name another level then, or want more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mba_integrations.core.arguments import shown
from mba_integrations.core.config.gateway_settings import GatewaySettings
from mba_integrations.core.errors import InputError
from mba_integrations.services.spending.routing.choosing import LEVELS, level_of_query, strong_level

if TYPE_CHECKING:
    from mba_integrations import ComplexityEstimate

PAST = 1_000_000.0
"""Points that no query has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What a log of queries says.

    Attributes:
        strong_points: For the setting of that name.
        share: Of these queries that go to the strong model with it.
        unknown_share: Of them that go there whatever the threshold, since nothing is known.
        queries: How many there were.
    """

    strong_points: float
    share: float
    unknown_share: float
    queries: int


def calibrate(
    estimates: Iterable[ComplexityEstimate],
    strong_share: float,
    *,
    gateway: GatewaySettings | None = None,
) -> Calibration:
    """The threshold with which at most a share of queries goes to the strong model.

    Args:
        estimates: Of a log of queries, as the allocator makes them.
        strong_share: The wanted share, in [0, 1].
        gateway: Where queries of no known level go; the defaults if None.

    Raises:
        InputError: If there is no estimate, or the share is none.

    >>> from mba_integrations import MemoryBudgetAllocator
    >>> log = ["List three fruits.", "Why is the sky blue?", "Compare Rust and Go for a database."]
    >>> estimates = map(MemoryBudgetAllocator().estimate_query_complexity, log)
    >>> found = calibrate(estimates, 0.4, gateway=GatewaySettings(unknown="simple"))
    >>> f"{found.share:.2f} from {found.strong_points} points on"
    '0.33 from 5.41 points on'
    """
    if not 0.0 <= strong_share <= 1.0:  # also false of nan
        raise InputError(f"strong_share must be in [0, 1], got {shown(strong_share)}.")
    found = list(estimates)
    if not found:
        raise InputError("estimates must hold at least one.")
    return _calibration(found, strong_share, GatewaySettings() if gateway is None else gateway)


def _calibration(
    found: Sequence[ComplexityEstimate], strong_share: float, gateway: GatewaySettings
) -> Calibration:
    known = [one.points for one in found if level_of_query(one, gateway) is not None]
    points = sorted(known, reverse=True)
    is_strong = LEVELS.index(gateway.unknown) >= LEVELS.index(strong_level(gateway))
    unknown = len(found) - len(points) if is_strong else 0
    room = max(0, math.floor(strong_share * len(found) + 1e-9) - unknown)
    room = min(room, len(points))
    # All that have the same points go together: as many as fit whole.
    while 0 < room < len(points) and points[room] == points[room - 1]:
        room -= 1
    return Calibration(
        strong_points=points[room - 1] if room else PAST,
        share=(unknown + room) / len(found),
        unknown_share=unknown / len(found),
        queries=len(found),
    )
