"""What a client is told of a call, in headers of the reply."""

from __future__ import annotations

from collections.abc import Mapping

from mba_integrations.services.gateway.passing.calls import Pairs
from mba_integrations.services.spending.routing.choosing import Route

MOST_CHARS = 200
"""Of a value: what is longer, such as why memory was not to be had, stands in the log."""


def told(route: Route, said: Mapping[str, str], warned: int, problem: str | None) -> Pairs:
    """The headers of a call.

    Args:
        route: Where it goes.
        said: What was done to the request, by name.
        warned: How many budgets it goes beyond.
        problem: Why it goes on without what it should have; None if nothing is wrong.
    """
    level = "unknown" if route.level is None else route.level.value
    values = {
        "x-mba-complexity": level,
        "x-mba-route": str(route),
        "x-mba-shadow-route": route.shadow,
        **said,
        "x-mba-budgets-exceeded": str(warned) if warned else None,
        "x-mba-error": problem,
    }
    return tuple(
        (name.encode(), header_value(value)) for name, value in values.items() if value is not None
    )


def not_understood(reason: str) -> Pairs:
    """The headers of a call that goes on as it came.

    Args:
        reason: What is not understood of it.
    """
    return ((b"x-mba-error", header_value(f"not understood: {reason}")),)


def header_value(text: str) -> bytes:
    r"""A text as a header can hold it: one line of ASCII.

    >>> header_value("no room:\n é")
    b'no room: \\xe9'
    """
    line = " ".join(text[:MOST_CHARS].split())
    return line.encode("ascii", "backslashreplace")
