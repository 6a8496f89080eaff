"""What calls through the gateway used, as whole numbers that add up."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class UsageBy(StrEnum):
    """What usage is told apart by."""

    MODEL = "model"
    LEVEL = "level"
    SESSION = "session"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFigures:
    """What some calls used. Money is in micro-dollars, by the workspace's prices.

    Attributes:
        requests: Calls.
        failed: Those that brought no whole answer.
        refused: Those that a budget had no room for; nothing else is known of them.
        input_tokens: Tokens in, those of the provider's cache included.
        output_tokens: Tokens out.
        cached_tokens: Tokens in that the provider read from its cache.
        cache_write_tokens: Tokens in that it wrote there.
        memory_tokens: Tokens in that are memory.
        saved_tokens: Tokens that the client sent and the provider did not get.
        routed: Calls that a route sent to another model than they named.
        shadowed: Calls that would have been, had routes been on.
        strong: Calls of the strong model.
        overhead_us: Microseconds that the gateway took.
        timed: Calls of which that is known.
        priced: Calls of which the costs are known: the model's, the strong one's, the cheapest's.
        cost: What those cost.
        routed_cost: What they would have cost by the routes, taken or not.
        strong_cost: What they would have cost with the strong model alone.
        cheap_cost: What they would have cost with the cheapest model alone.
    """

    requests: int = 0
    failed: int = 0
    refused: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    memory_tokens: int = 0
    saved_tokens: int = 0
    routed: int = 0
    shadowed: int = 0
    strong: int = 0
    overhead_us: int = 0
    timed: int = 0
    priced: int = 0
    cost: int = 0
    routed_cost: int = 0
    strong_cost: int = 0
    cheap_cost: int = 0

    def __add__(self, other: UsageFigures) -> UsageFigures:
        return UsageFigures(**{name: getattr(self, name) + getattr(other, name) for name in NAMES})


NAMES = tuple(field.name for field in fields(UsageFigures))


class UsageOf(NamedTuple):
    """What figures are of: a level and a model, or a session; the other names are empty.

    Attributes:
        level: Of complexity, or `unknown`.
        model: That was asked.
        session_id: The session.
    """

    level: str = ""
    model: str = ""
    session_id: str = ""


class UsageAt(NamedTuple):
    """What was used at a time.

    Attributes:
        at: When.
        of: By what.
        figures: How much.
    """

    at: datetime
    of: UsageOf
    figures: UsageFigures
