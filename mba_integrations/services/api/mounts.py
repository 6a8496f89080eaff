"""`Mount`: another ASGI app under a path of the server, behind the same layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, fields
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """An app that the server brings along.

    Attributes:
        path: Under which path it answers, such as `/mcp`.
        app: It. The caller stands in `scope["state"]["principal"]`.
        lifespan: What must be entered while the server runs; None for nothing.
        reads_bodies: Whether it reads bodies as they come, with limits of its own, and watches by
            itself whether the caller is there.
        key_in: The server's key among a request's headers, where that is not where others have it.
        refusal: The body for a problem that a layer before the app answers, from the path and the
            problem, in JSON of the app's own; None for the server's.
        around: Makes a layer around all that reads bodies and finds out who asks; None for none.
    """

    path: str
    app: Any
    lifespan: Callable[[], AbstractAsyncContextManager[Any]] | None = None
    reads_bodies: bool = False
    key_in: Callable[[Headers], str | None] | None = None
    refusal: Callable[[str, Mapping[str, Any]], bytes] | None = None
    around: Callable[[ASGIApp], ASGIApp] | None = None

    @classmethod
    def of(cls, app: Any) -> Mount:
        """A mount for an app that says by attributes of these names where and how it answers."""
        said = {one.name: getattr(app, one.name, one.default) for one in fields(cls)}
        return cls(**{**said, "path": app.path, "app": app})


def mount_of(mounts: Sequence[Mount], path: str) -> Mount | None:
    """The app that answers under a path; None for the server's own routes."""
    for mount in mounts:
        if path == mount.path or path.startswith(f"{mount.path}/"):
            return mount
    return None
