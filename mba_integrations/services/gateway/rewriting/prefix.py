"""`Sent`: what was sent of a session before, as a chain of digests, and how much of it stands.

A provider's cache finds the beginning that two requests share. Each part of a request has a digest
that stands for it and for all before it, so the shared beginning is as long as the digests are
equal:

    before   tools system m1 m2 m3         a b c d e
    now      tools system m1 m2 m4 m5      a b c d x y      shared: tools to m2

Marks of a cache move from turn to turn and are no part of what is cached; nor does it matter
whether a text stands alone or as the only block. Digests stand for texts, and hold none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mba_integrations.core.arguments import checked_whole, shown
from mba_integrations.core.errors import InputError

MOST_PARTS = 4_096
"""Of a longer request the beginning is compared."""
_DIGEST_BYTES = 8
_encoded = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a request as it is sent.

    Attributes:
        value: What it says, as JSON.
        tokens: What it costs.
    """

    value: object
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """From what the beginning of a shortened history was chosen.

    Attributes:
        turns: From how many turns.
        tokens: Within how many tokens.
        digest: Stands for the turns.
    """

    turns: int
    tokens: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was sent.

    Attributes:
        digests: One for each part.
        base: What the history begins with, where it was shortened; else None.
    """

    digests: tuple[str, ...] = ()
    base: Base | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        base = None if self.base is None else asdict(self.base)
        return {"digests": list(self.digests), "base": base}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Sent:
        """What `to_dict` wrote.

        Raises:
            InputError: If it is something else.
        """
        digests, base = given.get("digests"), given.get("base")
        if not isinstance(digests, list) or not all(isinstance(one, str) for one in digests):
            raise InputError(f"digests must be a list of texts, got {shown(digests)}.")
        return cls(digests=tuple(digests), base=None if base is None else _base(base))


def _base(given: object) -> Base:
    if not isinstance(given, dict):
        raise InputError(f"base must be an object, got {shown(given)}.")
    return Base(
        turns=checked_whole("base.turns", given.get("turns")),
        tokens=checked_whole("base.tokens", given.get("tokens")),
        digest=str(given.get("digest", "")),
    )


def chained(values: Iterable[object]) -> list[str]:
    """A digest for each value, which stands for it and all before it."""
    digests: list[str] = []
    before = b""
    for value in values:
        before = hashlib.blake2b(before + _canonical(value), digest_size=_DIGEST_BYTES).digest()
        digests.append(before.hex())
    return digests


def sent_of(parts: Sequence[Part], base: Base | None = None) -> Sent:
    """The chain of the parts."""
    return Sent(digests=tuple(chained(part.value for part in parts[:MOST_PARTS])), base=base)


def shared_tokens(parts: Sequence[Part], now: Sent, before: Sent | None) -> int:
    """Tokens of the beginning that stands as before."""
    known = before.digests if before is not None else ()
    tokens = 0
    for part, digest, other in zip(parts, now.digests, known, strict=False):
        if digest != other:
            break
        tokens += part.tokens
    return tokens


def _canonical(value: object) -> bytes:
    return _encoded(_unmarked(value)).encode("ascii")


def _unmarked(value: object, depth: int = 0) -> object:
    """The value without marks of a cache; a text as its only block."""
    if isinstance(value, dict):
        found = {name: _unmarked(one, depth + 1) for name, one in value.items() if name != _MARK}
        content = found.get("content")
        if isinstance(content, str):
            found["content"] = [{"type": "text", "text": content}]
        return found
    if isinstance(value, list | tuple) and depth < _DEEPEST_MARK:
        return [_unmarked(one, depth + 1) for one in value]
    return value


_MARK = "cache_control"
_DEEPEST_MARK = 8
"""Marks stand in tools, messages, blocks, and blocks of results."""
