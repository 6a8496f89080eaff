r"""`EventReader`: the events of a stream (server-sent events), in chunks that are cut anywhere.

Holds one event at most, and of that no more than 1 MiB: a larger one is passed over, and what
follows it is read again. The last event may lack the empty line that ends it.

>>> reader = EventReader()
>>> reader.feed(b"event: ping\r\nda"), reader.feed(b"ta: 1\r"), reader.feed(b"\n\r\n")
([], [], [Event(name='ping', data=b'1')])
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_EVENT_BYTES = 1024 * 1024
_LINE_END = re.compile(rb"\r\n|\n|\r")
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Event:
    """An event: its name, empty where it has none, and its data."""

    name: str
    data: bytes


class EventReader:
    """Takes a stream apart into events.

    Attributes:
        passed_over: How many events were too large.
    """

    def __init__(self, most_bytes: int = MOST_EVENT_BYTES) -> None:
        self.passed_over = 0
        self._most_bytes = most_bytes
        self._line = bytearray()
        self._after_return = False
        self._at_start = True
        self._begin()

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that end in a chunk."""
        if not chunk:
            return []
        if self._after_return and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._after_return = chunk.endswith(b"\r")
        found: list[Event] = []
        *ended, rest = _LINE_END.split(chunk)
        for part in ended:
            self._extend(part)
            self._end_line(found)
        self._extend(rest)
        return found

    def end(self) -> list[Event]:
        """The event that nothing ended, if there is one; to be called when the stream is over."""
        found: list[Event] = []
        if self._line or self._size:
            self._end_line(found)
            self._end_event(found)
        return found

    def _begin(self) -> None:
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0

    @property
    def _too_large(self) -> bool:
        return self._size > self._most_bytes

    def _extend(self, part: bytes) -> None:
        self._size += len(part)
        if not self._too_large:
            self._line += part
        elif part or self._line:
            self._line[:] = b":"  # a comment: it is not empty, and it says nothing
            self._data.clear()

    def _end_line(self, found: list[Event]) -> None:
        line = bytes(self._line)
        self._line.clear()
        if self._at_start:
            line, self._at_start = line.removeprefix(_MARK), False
        if not line:
            self._end_event(found)
            return
        self._size += 1  # lines without end would be an event without end
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._name = value.decode("utf-8", "replace")

    def _end_event(self, found: list[Event]) -> None:
        if self._too_large:
            self.passed_over += 1
        elif self._data:
            found.append(Event(self._name, b"\n".join(self._data)))
        self._begin()
