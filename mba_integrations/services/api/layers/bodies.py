"""Bodies: read whole and not too large; and the end of work for a caller that went away."""

from __future__ import annotations

import re
from collections.abc import Sequence

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mba_integrations.services.api.mounts import Mount, mount_of
from mba_integrations.services.api.replies import (
    NO_COMPRESSION,
    TOO_LARGE,
    ProblemError,
    response_to,
)

# An id of a memory or document may end like the path of an import, so the whole path counts.
_IMPORT = re.compile(r"/v1/workspaces/[^/]+/imports")
_UPLOAD = re.compile(r"/v1/workspaces/[^/]+/files/.+", re.DOTALL)


def is_file(path: str) -> bool:
    """Whether the body of a request to this path is a file, which is read as it comes.

    >>> is_file("/v1/workspaces/kate/imports"), is_file("/v1/workspaces/kate/files/a.pdf")
    (True, True)
    >>> is_file("/v1/workspaces/kate/documents/docs/imports")
    False
    """
    return bool(_IMPORT.fullmatch(path) or _UPLOAD.fullmatch(path))


class BodyLayer:
    """Reads the body before anything is done, then watches whether the caller is still there.

    Args:
        app: What is within.
        most: Bytes that a body may have.
        most_imported: Bytes that the file of an import may have.
        most_uploaded: Bytes that the file of a document may have.
        mounts: Apps of which some read bodies by themselves.
    """

    def __init__(
        self,
        app: ASGIApp,
        most: int,
        most_imported: int,
        most_uploaded: int,
        mounts: Sequence[Mount] = (),
    ) -> None:
        self._app = app
        self._mounts = tuple(mounts)
        self._most = most
        self._most_imported = most_imported
        self._most_uploaded = most_uploaded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_read_within(scope["path"]):
            await self._app(scope, receive, send)
            return
        most = self._most_of_file(scope["path"])
        try:
            _check(Headers(scope=scope), self._most if most is None else most)
            if most is not None:
                await self._app(scope, _counted(receive, most), send)
                return
            body = await self._read(receive)
        except ProblemError as error:
            await response_to(error)(scope, receive, send)
            return
        if body is not None:
            await self._while_there(scope, body, receive, send)

    def _is_read_within(self, path: str) -> bool:
        mount = mount_of(self._mounts, path)
        return mount is not None and mount.reads_bodies

    def _most_of_file(self, path: str) -> int | None:
        """Bytes of a body that is a file; None for any other."""
        if not is_file(path):
            return None
        return self._most_uploaded if _UPLOAD.fullmatch(path) else self._most_imported

    async def _read(self, receive: Receive) -> bytes | None:
        """The body; None if the caller went away while it came."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._most:
                raise _too_large(self._most)
            if not message.get("more_body", False):
                return b"".join(parts)

    async def _while_there(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Run the app until it is done or the caller is gone."""
        gone, handed, done = anyio.Event(), False, False

        async def given() -> Message:
            nonlocal handed
            if not handed:
                handed = True
                return {"type": "http.request", "body": body, "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def sent(message: Message) -> None:
            nonlocal done
            # Servers say that the caller is gone also after the last byte; what comes then ends.
            done = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        async with anyio.create_task_group() as both:

            async def watch() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                gone.set()
                if not done:
                    both.cancel_scope.cancel()

            both.start_soon(watch)
            await self._app(scope, given, sent)
            both.cancel_scope.cancel()


def _counted(receive: Receive, most: int) -> Receive:
    """What receives a body, until it is too large."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > most:
            raise _too_large(most)
        return message

    return counted


def _check(headers: Headers, most: int) -> None:
    """Refuse what the headers already say is too large, or compressed: that may hide any size."""
    if headers.get("content-encoding", "identity") != "identity":
        raise ProblemError(NO_COMPRESSION, "Send the body as it is, without Content-Encoding.")
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length) > most:
        raise _too_large(most)


def _too_large(most: int) -> ProblemError:
    return ProblemError(
        TOO_LARGE,
        f"A body has at most {most:,} bytes here. Send it in parts.",
        headers={"Connection": "close"},
    )
