"""`Held`: what is kept of a session's memory between its turns; ids and digests, no text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mba_integrations.core.arguments import checked_whole, shown
from mba_integrations.core.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What of a session's memory stands where.

    Attributes:
        items: Memories before the history, in their order: id, and digest of the content.
        behind: Ids of those behind the history in the last turn.
        asked: Stands for what was asked in it.
        resent_tokens: Tokens that stood behind the history in more than one turn.
    """

    items: tuple[tuple[str, str], ...] = ()
    behind: tuple[str, ...] = ()
    asked: str = ""
    resent_tokens: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "items": [list(one) for one in self.items],
            "behind": list(self.behind),
            "asked": self.asked,
            "resent_tokens": self.resent_tokens,
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Held:
        """What `to_dict` wrote.

        Raises:
            InputError: If it is something else.

        >>> held = Held(items=(("a", "1f"),), behind=("b",), resent_tokens=7)
        >>> Held.from_dict(held.to_dict()) == held
        True
        """
        items, behind = given.get("items"), given.get("behind")
        if not isinstance(items, list) or not all(map(_is_pair, items)):
            raise InputError(f"items must be pairs of an id and a digest, got {shown(items)}.")
        if not isinstance(behind, list) or not all(isinstance(one, str) for one in behind):
            raise InputError(f"behind must be ids, got {shown(behind)}.")
        return cls(
            items=tuple((one, digest) for one, digest in items),
            behind=tuple(behind),
            asked=str(given.get("asked", "")),
            resent_tokens=checked_whole("resent_tokens", given.get("resent_tokens")),
        )


def _is_pair(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 2:
        return False
    return all(isinstance(one, str) for one in value)
