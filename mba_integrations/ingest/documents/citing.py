"""How an answer names the place that it has something from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def cited(source: str, place: Mapping[str, Any]) -> str:
    """The source with its page, lines or whatever else is known of the place.

    Args:
        source: Name of the document.
        place: The `place` of a chunk, or the metadata of an item made from one: `page`, `slide`,
            `sheet`, `cell` (numbers from 1), `rows` and `lines` (first and last), `symbol`, and
            `headings` from the outermost. Headings are named where nothing finer is known.

    >>> cited("handbook.pdf", {"page": 12, "headings": ["Setup"]})
    'handbook.pdf, page 12'
    >>> cited("src/a.py", {"lines": [10, 31], "symbol": "A.f"})
    'src/a.py, lines 10-31, A.f'
    >>> cited("guide.html", {"headings": ["Setup", "Linux"]})
    'guide.html, Setup > Linux'
    """
    named = [f"{key} {place[key]}" for key in ("page", "slide", "sheet", "cell") if key in place]
    named += [_range(key, place[key]) for key in ("rows", "lines") if key in place]
    if "symbol" in place:
        named.append(str(place["symbol"]))
    if not named and place.get("headings"):
        named.append(" > ".join(place["headings"]))
    # A name may hold line ends; one that does not end its line cannot pass for another line.
    return " ".join(", ".join([source, *named]).splitlines())


def _range(key: str, numbers: Any) -> str:
    first, last = numbers
    return f"{key[:-1]} {first}" if first == last else f"{key} {first}-{last}"
