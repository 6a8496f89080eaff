"""What tokens cost, in whole micro-dollars.

A price is in dollars for a million tokens, which is micro-dollars for one. It has six decimal
places, so a token costs a whole number of pico-dollars, and a call is rounded up once:

    1,001 tokens at 0.15  =  150.15 micro-dollars  ->  151
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from mba_integrations.core.config.gateway_settings import ModelPrice
from mba_integrations.services.spending.budgets.errors import MissingPriceError

_PICO = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTokens:
    """The tokens of a call.

    Attributes:
        input: All tokens in, those of the provider's cache included.
        output: Tokens out, thoughts included.
        cached: Tokens in that were read from the provider's cache.
        cache_write: Tokens in that were written there.
    """

    input: int
    output: int
    cached: int = 0
    cache_write: int = 0

    @property
    def all(self) -> int:
        """Tokens in and out."""
        return self.input + self.output


def cost(price: ModelPrice, tokens: CallTokens) -> int:
    """What tokens cost in micro-dollars, rounded up.

    >>> price = ModelPrice(input=0.15, output=0.6, cached_input=0.075)
    >>> cost(price, CallTokens(input=1_001, output=0))
    151
    >>> cost(price, CallTokens(input=1_000, output=100, cached=800))
    150
    """
    plain = max(0, tokens.input - tokens.cached - tokens.cache_write)
    cached, cache_write = (
        price.input if rate is None else rate for rate in (price.cached_input, price.cache_write)
    )
    total = plain * _pico(price.input) + tokens.output * _pico(price.output)
    total += tokens.cached * _pico(cached) + tokens.cache_write * _pico(cache_write)
    return -(-total // _PICO)


def most_cost(price: ModelPrice, tokens: CallTokens) -> int:
    """What tokens cost at most, whatever of them a provider's cache reads or writes."""
    return -(-(tokens.input * _dearest_input(price) + tokens.output * _pico(price.output)) // _PICO)


def affordable_input(price: ModelPrice, tokens: CallTokens, micros: int) -> int | None:
    """How many more tokens in there is money for; None for any number, negative for too few.

    >>> affordable_input(ModelPrice(input=2, output=8), CallTokens(input=10, output=10), 150)
    25
    """
    each = _dearest_input(price)
    left = micros * _PICO - tokens.input * each - tokens.output * _pico(price.output)
    if each == 0:
        return None if left >= 0 else -1
    return left // each


def prices_of(
    prices: Mapping[str, ModelPrice], models: Iterable[str], workspace_id: str
) -> dict[str, ModelPrice]:
    """The prices of models.

    Raises:
        MissingPriceError: If one has none.
    """
    found = {}
    for model in models:
        if model not in prices:
            raise MissingPriceError(workspace_id, model, tuple(prices))
        found[model] = prices[model]
    return found


def _dearest_input(price: ModelPrice) -> int:
    given = (price.input, price.cached_input, price.cache_write)
    return max(_pico(one) for one in given if one is not None)


def _pico(rate: float) -> int:
    return int(Decimal(repr(rate)).scaleb(6))
