"""`Listening`: what a reply says it used, and what it said, while it is handed on."""

from __future__ import annotations

import json
from typing import Any

from mba_integrations.services.gateway.passing.calls import Head
from mba_integrations.services.gateway.wire.apis import Api
from mba_integrations.services.gateway.wire.replies import Reply, ReplyReader, reply_of_json
from mba_integrations.services.gateway.wire.usage import Usage, UsageReader, usage_of_json

MOST_BYTES = 8 * 1024 * 1024
"""Of a reply that is no stream; a longer one is handed on and not read."""


class Listening:
    """Reads the reply of one call, whichever of its attempts is answered.

    Args:
        api: The protocol.
        wants_words: Whether somebody goes by what a stream says, and not by its usage alone.
    """

    def __init__(self, api: Api, *, wants_words: bool = True) -> None:
        self._api = api
        self._reads = ReplyReader if wants_words else UsageReader
        self._stream: UsageReader | None = None
        self._parts: list[bytes] = []
        self._left = MOST_BYTES

    def begin(self, head: Head) -> Listening | None:
        """Be ready for a reply; None for one that says nothing of usage."""
        if head.status >= 400:
            return None
        self._stream = self._reads(self._api) if head.is_stream else None
        return self

    def feed(self, data: bytes) -> None:
        """Take what came."""
        if self._stream is not None:
            self._stream.feed(data)
            return
        self._left -= len(data)
        if self._left >= 0:
            self._parts.append(data)

    @property
    def held_bytes(self) -> int:
        """Bytes of a reply that is read when it ends; none of a stream, which is read already."""
        return MOST_BYTES - self._left

    def end(self) -> tuple[Usage | None, Reply | None]:
        """What was used, and what was said, as far as the reply told."""
        if self._stream is not None:
            self._stream.end()
            reply = self._stream.reply if isinstance(self._stream, ReplyReader) else None
            return self._stream.usage, reply
        whole = self._whole()
        return usage_of_json(self._api, whole), reply_of_json(self._api, whole)

    def _whole(self) -> Any:
        if self._left < 0:
            return None
        try:
            return json.loads(b"".join(self._parts))
        except (ValueError, RecursionError):
            return None
