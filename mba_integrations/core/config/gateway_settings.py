"""What the gateway does for a workspace: memory, routes, prices and what may be spent.

Everything is off by default: a call goes through as it came. Money is in US dollars here, as people
write it; `SpendBudget.units` has it in whole micro-dollars, and nothing is ever added as a float.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from mba_integrations.core.config.group import SettingsGroup
from mba_integrations.core.config.problems import InvalidSettingsError, SettingProblem
from mba_integrations.core.config.settings import Positive, PositiveTokens, Price
from mba_integrations.core.model import QueryComplexity

MOST_UNITS = 10**15
"""The largest budget: tokens, or micro-dollars. Sums of it stay far below 64 bits."""
MOST_ROLLING_SECONDS = 366 * 86_400
_MICRO = 6
"""Decimal places of a dollar that are told apart."""


class Inject(StrEnum):
    """Where the memory of a workspace enters a request."""

    OFF = "off"
    """Nowhere."""
    SYSTEM = "system"
    """All of it with the system prompt."""
    BEFORE_LAST_USER = "before_last_user"
    """What seldom changes with the system prompt, the rest before the last turn of the user."""


class Routing(StrEnum):
    """Whether the complexity of a query decides which model is asked."""

    OFF = "off"
    """Only where a request names the model `mba/auto`."""
    SHADOW = "shadow"
    """Never; what would have been done is recorded."""
    ON = "on"
    """Always, also where a request names another model."""


class OnError(StrEnum):
    """What becomes of a request whose memory cannot be had."""

    PASS = "pass"
    """It goes on without."""
    FAIL = "fail"
    """It is refused."""


class SpendScope(StrEnum):
    """What a budget is for: each workspace, key or session has one of its own."""

    WORKSPACE = "workspace"
    KEY = "key"
    SESSION = "session"


class SpendUnit(StrEnum):
    """What a budget counts."""

    TOKENS = "tokens"
    """Tokens in and out, those of a provider's cache included."""
    USD = "usd"
    """US dollars, by the workspace's prices."""


class SpendPeriod(StrEnum):
    """How long a budget lasts. Weeks begin on Mondays."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    ROLLING = "rolling"
    """The last `rolling_seconds`, whenever that is."""


class OnExceed(StrEnum):
    """What becomes of a request that a budget has no room for."""

    BLOCK = "block"
    """It is refused."""
    SHRINK = "shrink"
    """It gets as much memory as there is room for; it is refused where it has none without."""
    WARN = "warn"
    """It goes through, with a warning."""


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a time zone such as 'Europe/Lisbon'") from None
    return name


def _check_model(name: str) -> str:
    if not name.strip() or name != name.strip():
        raise ValueError("must be the name of a model, without blanks around it")
    return name


def _check_whole_millionths(amount: float) -> float:
    if Decimal(repr(amount)).scaleb(_MICRO) % 1:
        raise ValueError("must be a multiple of 0.000001")
    return amount


ZoneName = Annotated[str, AfterValidator(_check_zone)]
ModelName = Annotated[str, AfterValidator(_check_model)]
Amount = Annotated[Positive, Field(le=MOST_UNITS), AfterValidator(_check_whole_millionths)]
ModelRate = Annotated[Price, Field(le=1_000_000), AfterValidator(_check_whole_millionths)]


class ModelPrice(SettingsGroup):
    """What a million tokens of a model cost, in US dollars.

    `cached_input` is for tokens that the provider reads from its cache, `cache_write` for those
    that it writes there; None is the price of any other input.
    """

    input: ModelRate
    output: ModelRate
    cached_input: ModelRate | None = None
    cache_write: ModelRate | None = None


class SpendBudget(SettingsGroup):
    """What may be spent in a time.

    >>> SpendBudget(unit="usd", amount=2.5, period="day").units
    2500000
    """

    scope: SpendScope = SpendScope.WORKSPACE
    unit: SpendUnit
    amount: Amount
    period: SpendPeriod
    rolling_seconds: Annotated[int, Field(ge=1, le=MOST_ROLLING_SECONDS)] | None = None
    time_zone: ZoneName = "UTC"
    on_exceed: OnExceed = OnExceed.BLOCK

    @property
    def units(self) -> int:
        """The amount in tokens, or in micro-dollars."""
        places = _MICRO if self.unit is SpendUnit.USD else 0
        return int(Decimal(repr(self.amount)).scaleb(places))

    @property
    def account(self) -> str:
        """What is counted together: budgets that differ in amount or in `on_exceed` alone.

        >>> SpendBudget(unit="tokens", amount=9, period="rolling", rolling_seconds=60).account
        'workspace/tokens/rolling/60'
        """
        last = self.time_zone if self.rolling_seconds is None else str(self.rolling_seconds)
        return f"{self.scope.value}/{self.unit.value}/{self.period.value}/{last}"

    @model_validator(mode="after")
    def _check(self) -> SpendBudget:
        problems = tuple(_budget_problems(self))
        if problems:
            raise InvalidSettingsError("spend", problems)
        return self


def _budget_problems(budget: SpendBudget) -> Iterator[SettingProblem]:
    is_rolling = budget.period is SpendPeriod.ROLLING
    if is_rolling and budget.rolling_seconds is None:
        yield _problem("rolling_seconds is required with period 'rolling'", "rolling_seconds")
    if not is_rolling and budget.rolling_seconds is not None:
        rule = f"rolling_seconds is for period 'rolling', not for {budget.period.value!r}"
        yield _problem(rule, "rolling_seconds")
    if budget.unit is SpendUnit.TOKENS and budget.amount % 1:
        yield _problem(f"amount must be whole tokens, got {budget.amount:g}", "amount", "unit")
    if budget.units > MOST_UNITS:
        most = MOST_UNITS // 10**_MICRO
        rule = f"amount must be at most {most:,} US dollars, got {budget.amount:g}"
        yield _problem(rule, "amount", "unit")


def _problem(rule: str, *fields: str) -> SettingProblem:
    return SettingProblem(path=(), rule=rule, fields=fields)


Provider = Literal["openai", "anthropic"]
"""Whose protocol is spoken, and whose models are asked."""

_KEY_VARIABLE = re.compile(r"MBA_PROVIDER_KEY_[A-Z0-9_]{1,64}")
"""Variables with keys of providers have a beginning of their own: who may change a workspace's
settings must not have any other variable sent out."""


class GatewaySettings(SettingsGroup):
    """What the gateway does for a workspace.

    `memory_tokens` is the budget of the memory, None the workspace's own ceiling; `request_tokens`
    that of a whole request, None no limit. `models` has the model of each level, `unknown` is the
    level of a query that shows no sign of how complex it is. The strong model is that of the
    highest level with one; with `strong_points` a query goes to it from so many points on, and not
    before. `provider_keys` names the variables of the server's environment that have the
    workspace's own keys: settings are stored, logged and shown, and a key must not be.
    """

    inject: Inject = Inject.OFF
    memory_tokens: PositiveTokens | None = None
    request_tokens: PositiveTokens | None = None
    reply_tokens: PositiveTokens = 4096
    remember: bool = False
    on_error: OnError = OnError.PASS
    route: Routing = Routing.OFF
    models: dict[QueryComplexity, ModelName] = Field(default={})
    unknown: QueryComplexity = QueryComplexity.COMPLEX
    strong_points: Price | None = None
    fallbacks: tuple[ModelName, ...] = ()
    prices: dict[ModelName, ModelPrice] = Field(default={})
    spend: tuple[SpendBudget, ...] = ()
    provider_keys: dict[Provider, str] = Field(default={})

    @property
    def strong_model(self) -> str | None:
        """The model of the highest level with one; None where no level has one."""
        named = [self.models[level] for level in QueryComplexity if level in self.models]
        return named[-1] if named else None

    @model_validator(mode="after")
    def _check(self) -> GatewaySettings:
        problems = (*_route_problems(self), *_spend_problems(self), *_key_problems(self))
        if problems:
            raise InvalidSettingsError("gateway", problems)
        return self


def _route_problems(settings: GatewaySettings) -> Iterator[SettingProblem]:
    if settings.strong_model is None and settings.route is not Routing.OFF:
        rule = f"models must name one, for route is {settings.route.value!r}"
        yield _problem(rule, "models", "route")


def _spend_problems(settings: GatewaySettings) -> Iterator[SettingProblem]:
    seen: dict[tuple[str, OnExceed], int] = {}
    for place, budget in enumerate(settings.spend):
        first = seen.setdefault((budget.account, budget.on_exceed), place)
        if first != place:
            yield _problem(f"spend.{place} limits the same as spend.{first}; remove one", "spend")
    if not settings.prices and any(one.unit is SpendUnit.USD for one in settings.spend):
        rule = "prices must have each model that a budget in usd is for"
        yield _problem(rule, "prices", "spend")


def _key_problems(settings: GatewaySettings) -> Iterator[SettingProblem]:
    for provider, name in settings.provider_keys.items():
        if not _KEY_VARIABLE.fullmatch(name):  # it may be a key, so it is not repeated
            yield _problem(
                f"the key of {provider} must be named by a variable of the server's environment "
                "such as 'MBA_PROVIDER_KEY_ACME', in capitals; the key itself has no place here",
                "provider_keys",
            )
