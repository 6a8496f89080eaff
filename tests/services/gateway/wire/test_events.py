"""Events of a stream, cut at any byte."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations.services.gateway.wire.events import Event, EventReader

LINES = st.sampled_from(
    [b"data: a", b"data:b", b"data", b"event: x", b": comment", b"", b"id: 7", b"data:  c: d"]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
STREAMS = st.lists(st.tuples(LINES, ENDS), max_size=14)


def slow_events(lines: list[bytes]) -> list[Event]:
    """The events of whole lines, with one that nothing ends."""
    found, name, data = [], "", None
    for line in [*lines, b""]:
        if not line:
            if data is not None:
                found.append(Event(name, b"\n".join(data)))
            name, data = "", None
        key, _, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if key == b"data":
            data = [*(data or []), value]
        elif key == b"event":
            name = value.decode()
    return found


def read(chunks: list[bytes], reader: EventReader | None = None) -> list[Event]:
    reader = reader or EventReader()
    return [event for chunk in chunks for event in reader.feed(chunk)] + reader.end()


@settings(max_examples=60)
@given(STREAMS, st.lists(st.integers(0, 120), max_size=6), st.booleans())
def test_events_are_those_of_the_lines_wherever_chunks_are_cut(
    stream: list[tuple[bytes, bytes]], cuts: list[int], cut_everywhere: bool
) -> None:
    # "\r" before an empty line with "\n" would be one line end and not two.
    ends = [end if end != b"\r" else b"\r\n" for _, end in stream]
    body = b"".join(line + end for (line, _), end in zip(stream, ends, strict=True))
    places = range(len(body)) if cut_everywhere else sorted(cuts)
    borders = [0, *places, len(body)]
    chunks = [body[start:end] for start, end in pairwise(borders)]
    assert read(chunks) == slow_events([line for line, _ in stream])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"data: a\r\rdata: b\r\r", [b"a", b"b"], id="carriage-returns"),
        pytest.param(b"data: a", [b"a"], id="last-line-without-end"),
        pytest.param(b"data: a\n", [b"a"], id="last-event-without-empty-line"),
        pytest.param(b"data: a\ndata: b\n\n", [b"a\nb"], id="several-lines-of-data"),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", [b"a"], id="byte-order-mark"),
        pytest.param(b": ping\n\n: ping\n\n", [], id="comments"),
        pytest.param("data: ä\u2028\x85b\n\n".encode(), ["ä\u2028\x85b".encode()], id="no-ends"),
        pytest.param(b"", [], id="nothing"),
    ],
)
def test_a_form_of_a_stream_is_read(body: bytes, expected: list[bytes]) -> None:
    assert [event.data for event in read([body])] == expected
    assert [event.data for event in read([bytes([one]) for one in body])] == expected


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_an_event_that_is_too_large_is_passed_over_and_what_follows_is_read(size: int) -> None:
    body = b"data: a\n\ndata: " + b"x" * 5_000 + b"\ndata: y\n\ndata: b\n\n"
    reader = EventReader(most_bytes=1_000)
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    assert [event.data for event in read(chunks, reader)] == [b"a", b"b"]
    assert reader.passed_over == 1


def test_no_more_than_an_event_is_held() -> None:
    reader = EventReader(most_bytes=1_000)
    for _ in range(50):
        reader.feed(b"data: " + b"x" * 900 + b"\n")
        held = len(reader._line) + sum(map(len, reader._data))
        assert held <= 1_000
