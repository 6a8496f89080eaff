"""Which model a query is asked of.

A query's level is the core's estimate. Where that found no evidence in the query, its level is not
`simple` but not known, and it counts as the level `unknown` of the settings, which is `complex`
unless they say otherwise. Rules read words, and a hard question may be short.

    level     simple    medium    complex    expert    not known
    models    small               large                            unknown: complex
    model     small     large     large      large     large

A session stays with its model, since another one has nothing of its prompt in its cache. It moves
only to a model of a level that is two steps or more above the one it was chosen for, and never
back. A level that is not known counts as `unknown` here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from mba_integrations.core.config.complexity_words import ComplexitySignal
from mba_integrations.core.config.gateway_settings import GatewaySettings, Routing
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import QueryComplexity

if TYPE_CHECKING:
    from mba_integrations import ComplexityEstimate

AUTO = "mba/auto"
"""The model that a client names to leave the choice to the gateway."""
LEVELS = tuple(QueryComplexity)
STEPS_TO_MOVE = 2
_ABOUT_THE_QUERY = frozenset(ComplexitySignal) - {
    ComplexitySignal.CONVERSATION,
    ComplexitySignal.CANDIDATES,
    ComplexitySignal.LENGTH,
}
"""Signals that say something of what is asked; each query has a length."""


class Reason(StrEnum):
    """Why a model was chosen."""

    NAMED = "named"
    """The request names it."""
    LEVEL = "level"
    """It is the model of the query's level."""
    UNKNOWN = "unknown"
    """It is the model of queries whose level is not known."""
    SESSION = "session"
    """The session is asked of it."""
    SHADOW = "shadow"
    """`mba/auto` goes to the strong model while routes are only recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRoute:
    """Which model a session is asked of.

    Attributes:
        model: It.
        level: The level that it was chosen for.
    """

    model: str
    level: QueryComplexity

    def to_dict(self) -> dict[str, str]:
        """JSON-ready."""
        return {"model": self.model, "level": self.level.value}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any] | None) -> Self | None:
        """What `to_dict` wrote; None of nothing, or of what another release wrote."""
        if kept is None:
            return None
        try:
            return cls(model=kept["model"], level=QueryComplexity(kept["level"]))
        except (KeyError, ValueError):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a request goes.

    Attributes:
        model: The model that is asked.
        level: Of the query; None where it is not known.
        reason: Why that model.
        shadow: The model that would have been asked, were routes on; None where they are, or where
            nothing is to be recorded.
        session: What the session is to remember; None for nothing new.
    """

    model: str
    level: QueryComplexity | None
    reason: Reason
    shadow: str | None = None
    session: SessionRoute | None = None

    def __str__(self) -> str:
        return f"{self.model}; {self.reason.value}"

    def is_another_than(self, asked: str) -> bool:
        """Whether the request named another model."""
        return self.model != asked


def level_of_query(
    estimate: ComplexityEstimate, settings: GatewaySettings
) -> QueryComplexity | None:
    """The level that a query is routed by; None where nothing in it says how complex it is.

    With `strong_points` a query reaches the lowest level of the strong model at so many points, and
    not before.
    """
    if not any(one.signal in _ABOUT_THE_QUERY for one in estimate.evidence):
        return None
    if settings.strong_points is None:
        return estimate.complexity
    strong = LEVELS.index(strong_level(settings))
    found = LEVELS.index(estimate.complexity)
    if estimate.points >= settings.strong_points:
        return LEVELS[max(found, strong)]
    return LEVELS[min(found, max(0, strong - 1))]


def strong_level(settings: GatewaySettings) -> QueryComplexity:
    """The lowest level of the strong model; `complex` where no level has a model."""
    if settings.strong_model is None:
        return QueryComplexity.COMPLEX
    return next(one for one in LEVELS if model_of(settings, one) == settings.strong_model)


def model_of(settings: GatewaySettings, level: QueryComplexity | None) -> str:
    """The model of a level: its own, else that of the next higher one, else the strong one.

    Raises:
        InputError: If the settings name no models.
    """
    strong = settings.strong_model
    if strong is None:
        raise InputError(
            f"the model {AUTO!r} needs gateway.models: name a model for {LEVELS[-1].value!r}."
        )
    higher = LEVELS[LEVELS.index(settings.unknown if level is None else level) :]
    return next((settings.models[one] for one in higher if one in settings.models), strong)


def choose(
    settings: GatewaySettings,
    asked: str,
    level: QueryComplexity | None,
    session: SessionRoute | None = None,
) -> Route:
    """Where a request goes.

    Args:
        settings: Of the workspace.
        asked: The model that the request names.
        level: Of its query; None where it is not known.
        session: Which model its session is asked of; None where that is not known.

    Raises:
        InputError: If it asks for `mba/auto` and the settings name no models.
    """
    if settings.route is Routing.OFF and asked != AUTO:
        return Route(model=asked, level=level, reason=Reason.NAMED)
    chosen, reason = _chosen(settings, level, session)
    kept = None if chosen == session else chosen
    if settings.route is not Routing.SHADOW:
        return Route(model=chosen.model, level=level, reason=reason, session=kept)
    model, why = asked, Reason.NAMED
    if asked == AUTO:
        model, why = model_of(settings, LEVELS[-1]), Reason.SHADOW
    return Route(model=model, level=level, reason=why, shadow=chosen.model, session=kept)


def _chosen(
    settings: GatewaySettings, level: QueryComplexity | None, session: SessionRoute | None
) -> tuple[SessionRoute, Reason]:
    counted = settings.unknown if level is None else level
    if session is not None and _stays(settings, session, counted):
        return session, Reason.SESSION
    new = SessionRoute(model=model_of(settings, level), level=counted)
    return new, Reason.UNKNOWN if level is None else Reason.LEVEL


def _stays(settings: GatewaySettings, session: SessionRoute, level: QueryComplexity) -> bool:
    """Whether a session stays with its model: not where the settings have it no longer."""
    steps = LEVELS.index(level) - LEVELS.index(session.level)
    return session.model in settings.models.values() and steps < STEPS_TO_MOVE
