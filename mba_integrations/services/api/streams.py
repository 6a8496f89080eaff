"""Files that are made while they are sent: an export on its way out.

A thread makes pieces and waits while some of them wait to be sent, so memory stays that of a few
pieces. A caller that goes away ends the work before the next piece, and so does one that takes
nothing for a minute: what makes the pieces holds a transaction. What is cut has no proof at its
end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import anyio
import anyio.from_thread
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mba_integrations.services.api.work import RUNNING

PATIENCE_SECONDS = 60.0
_PIECES_WAITING = 2
_PIECE_BYTES = 64 * 1024
_NO_MORE = b""


class StreamedFile(Response):
    """An answer whose body is made while it is sent.

    Args:
        pieces: Makes the pieces; what it raises before the first one is answered as a problem.
        name: Of the file.
        media_type: Of the file.
    """

    def __init__(self, pieces: Callable[[], Iterator[bytes]], name: str, media_type: str) -> None:
        super().__init__(
            media_type=media_type,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
        del self.headers["content-length"]
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        put, pieces = anyio.create_memory_object_stream[bytes](_PIECES_WAITING)
        failed: list[Exception] = []
        async with anyio.create_task_group() as both:
            both.start_soon(self._made, put, failed)
            async with pieces:
                await self._sent(pieces, failed, send)
        if failed:
            raise failed[0]

    async def _sent(
        self, pieces: ObjectReceiveStream[bytes], failed: list[Exception], send: Send
    ) -> None:
        begun = False
        async for piece in pieces:
            with anyio.fail_after(PATIENCE_SECONDS):
                if not begun:
                    await send(self._start())
                begun = True
                await send(
                    {"type": "http.response.body", "body": piece, "more_body": piece != _NO_MORE}
                )

    def _start(self) -> dict[str, object]:
        return {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }

    async def _made(self, put: ObjectSendStream[bytes], failed: list[Exception]) -> None:
        def make() -> None:
            made = self._pieces()
            try:
                for piece in _joined(made):
                    anyio.from_thread.run(put.send, piece)
                anyio.from_thread.run(put.send, _NO_MORE)
            finally:
                getattr(made, "close", _nothing)()

        async with put:
            try:
                await RUNNING.get().run("export", make)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return  # the caller went away
            except Exception as error:
                failed.append(error)


def _joined(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Pieces of some size: one for each line would cost more than the line does."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        if len(waiting) >= _PIECE_BYTES:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


def _nothing() -> None:
    """Nothing is to be closed."""
