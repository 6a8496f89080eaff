"""`Mount`: another ASGI app under a path of the server, behind the same layers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """An app that the server brings along.

    Attributes:
        path: Under which path it answers, such as `/mcp`.
        app: It. The caller stands in `scope["state"]["principal"]`.
        lifespan: What must be entered while the server runs; None for nothing.
    """

    path: str
    app: Any
    lifespan: Callable[[], AbstractAsyncContextManager[Any]] | None = None
