"""Who says a message: four roles, under the names that providers and frameworks give them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from mba_integrations.core.model import name_in


class Role(StrEnum):
    """Who says a message."""

    SYSTEM = "system"
    """The application; what it says holds for the whole conversation."""
    USER = "user"
    ASSISTANT = "assistant"
    RESULT = "tool"
    """A tool that was called, or the function of an older interface."""


_NAMES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "human": Role.USER,
    "assistant": Role.ASSISTANT,
    "ai": Role.ASSISTANT,
    "tool": Role.RESULT,
    "function": Role.RESULT,
}


def role_named(name: str) -> Role | None:
    """The role of a name, in any case; None for a name that is none.

    >>> role_named("human"), role_named("Developer"), role_named("narrator")
    (<Role.USER: 'user'>, <Role.SYSTEM: 'system'>, None)
    """
    return _NAMES.get(name.lower())


def role_in(metadata: Mapping[str, Any]) -> Role | None:
    """The role that an item's metadata name; None where they name none that is known.

    >>> role_in({"role": "human"}), role_in({})
    (<Role.USER: 'user'>, None)
    """
    name = name_in(metadata, "role")
    return None if name is None else role_named(name)
