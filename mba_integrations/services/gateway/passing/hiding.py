"""`UsageHider`: keep the chunk of a chat's stream that tells its usage from a client.

    data: {"choices":[{"delta":{"content":"Hi"}}],...}   handed on
    data: {"choices":[],"usage":{"total_tokens":9}}      kept
    data: [DONE]                                         handed on

`stream_options.include_usage` brings one event more than a client asked for. Every other byte
stays, wherever the stream is cut: an event is held until its end is there, and no longer.

An event ends at an empty line; a line ends with CR LF, LF or CR (HTML Standard, 9.2.5). Whether a
CR is a whole line's end is known one byte later.
"""

from __future__ import annotations

import json
import re

MOST_HELD = 64 * 1024
"""Bytes of an event that are held; one that is longer is no usage."""
_LINE_END = rb"(?:\r\n|\n|\r(?!\n))"
_EVENT_END = re.compile(_LINE_END + _LINE_END)
_LINES = re.compile(_LINE_END)
_LONGEST_END = 4


class UsageHider:
    """Takes what a provider sends, and gives what the client is sent."""

    def __init__(self) -> None:
        self._held = b""
        self._looked_at = 0
        self._lets_through = False

    @property
    def holds(self) -> bool:
        """Whether an event has begun and not ended."""
        return bool(self._held)

    def feed(self, data: bytes) -> bytes:
        """What may go on of what has come."""
        self._held += data
        out = []
        while (end := self._end_of_event()) is not None:
            event, self._held = self._held[:end], self._held[end:]
            if self._lets_through or end > MOST_HELD or not is_usage(event):
                out.append(event)
            self._lets_through, self._looked_at = False, 0
        out.append(self._overlong())
        return b"".join(out)

    def end(self) -> bytes:
        """What was held when the stream ended."""
        rest, self._held = self._held, b""
        return b"" if not self._lets_through and is_usage(rest) else rest

    def _end_of_event(self) -> int | None:
        # A CR in the last place may be half of a line's end.
        known = len(self._held) - self._held.endswith(b"\r")
        found = _EVENT_END.search(self._held, self._looked_at, known)
        if found is None:
            self._looked_at = max(0, known - _LONGEST_END)
        return None if found is None else found.end()

    def _overlong(self) -> bytes:
        """The beginning of an event that is too long to be held, but for what may be its end."""
        if not self._lets_through and len(self._held) <= MOST_HELD:
            return b""
        self._lets_through = True
        cut = max(0, len(self._held) - _LONGEST_END)
        out, self._held = self._held[:cut], self._held[cut:]
        self._looked_at = 0
        return out


def is_usage(event: bytes) -> bool:
    """Whether an event tells the usage and nothing else.

    >>> is_usage(b'data: {"choices":[],"usage":{"total_tokens":9}}')
    True
    >>> is_usage(b'data: {"choices":[{}],"usage":null}')
    False
    """
    if b'"usage"' not in event:
        return False
    try:
        said = json.loads(b"\n".join(_data_of(event)))
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and said.get("choices") == [] and bool(said.get("usage"))


def _data_of(event: bytes) -> list[bytes]:
    fields = (line.partition(b":") for line in _LINES.split(event))
    return [value.removeprefix(b" ") for name, _, value in fields if name == b"data"]
