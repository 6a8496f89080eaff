"""Counters and layouts that may have to stay behind when a result goes to another process.

A part that can be pickled goes along. Another, such as one made of a local function, is replaced by
what was known of it: whoever asks for more gets an error that names the part and the way out.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

from mba_integrations.core.errors import InputError


class AbsentPart:
    """Stands for a part that stayed behind.

    Args:
        kind: What it is, such as "token counter".
        known: Names and values that are known of it; `id` is one of them.
    """

    def __init__(self, kind: str, known: dict[str, Any]) -> None:
        self._kind, self._known = kind, known

    def __repr__(self) -> str:
        return f"AbsentPart({self._kind!r}, {self._known!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return AbsentPart, (self._kind, self._known)

    def __getattr__(self, name: str) -> Any:
        # Python asks for dunder names itself and takes an AttributeError for "no".
        if name.startswith("__") or name in ("_kind", "_known"):
            raise AttributeError(name)
        if name in self._known:
            return self._known[name]
        raise InputError(
            f"the {self._kind} {self._known['id']!r} stayed in the process that made the "
            f"allocation, because it cannot be pickled, and its {name!r} is needed here. Ask for "
            f"the result before pickling, or give the allocator a {self._kind} made of classes and "
            "functions that a module defines."
        )


@dataclass(frozen=True, slots=True)
class PortablePart:
    """A part on its way.

    Attributes:
        kind: What it is.
        known: What is known of it without it.
        pickled: The part; None if it cannot be pickled.
    """

    kind: str
    known: dict[str, Any]
    pickled: bytes | None

    @classmethod
    def of(cls, part: Any, kind: str, *names: str) -> PortablePart:
        """A part with the values of these attributes."""
        known = {name: getattr(part, name) for name in names}
        try:
            return cls(kind, known, pickle.dumps(part))
        except Exception:  # a part is anybody's class: pickling it may raise anything
            return cls(kind, known, None)

    def unpacked(self) -> Any:
        """The part, or what stands for it where it is missing or its module is."""
        if self.pickled is not None:
            try:
                return pickle.loads(self.pickled)
            except Exception:  # the same, in a process that may lack its module
                pass
        return AbsentPart(self.kind, self.known)


def portable_counter(counter: Any) -> PortablePart:
    """A token counter on its way."""
    return PortablePart.of(counter, "token counter", "id", "exact")


def portable_layout(layout: Any) -> PortablePart:
    """A layout on its way."""
    return PortablePart.of(layout, "layout", "id")
