"""Settings that differ, as `--set NAME=VALUE` names them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mba_integrations.core.errors import InputError


def changes_in(given: Sequence[str]) -> dict[str, Any]:
    """Settings by name, of `name=value`; the name of one in a group has a dot.

    Raises:
        InputError: If one has no name or no value.
    """
    found: dict[str, Any] = {}
    for change in given:
        name, sign, value = change.partition("=")
        if not sign or not name:
            raise InputError(f"--set is {change!r}. Give a name and a value: token_price=0.0001.")
        *groups, last = name.split(".")
        into = found
        for group in groups:
            into = into.setdefault(group, {})
        into[last] = _value(value)
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
