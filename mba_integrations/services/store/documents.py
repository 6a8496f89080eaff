"""How values that JSON can hold are written, on both databases."""

from __future__ import annotations

import json
from typing import Any

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class WrittenDocument(str):
    """A value that JSON can hold, written already."""

    __slots__ = ()


def written_as_json(value: Any) -> str:
    """JSON text without spaces; what is not finite is refused, since JSON has no word for it.

    >>> written_as_json({"page": 7, "of": "ä"})
    '{"page":7,"of":"ä"}'
    """
    # As a text of its own kind: to a driver a subclass is a type to be adapted.
    return str(value) if isinstance(value, WrittenDocument) else _ENCODER.encode(value)
