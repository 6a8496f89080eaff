"""The exchange with a daemon over real sockets: what is sent, and every way in which it ends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mba_integrations.core.errors import InputError
from mba_integrations.services.daemon.speaking import Connection, NoAnswerError

OK = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def server(*answers: bytes) -> Iterator[tuple[str, list[bytes], list[int]]]:
    """Where it answers, what it was sent, and how many requests each connection brought.

    An answer that is empty or says `close` ends its connection.
    """
    asked: list[bytes] = []
    connections: list[int] = []

    def serve(bound: socket.socket) -> None:
        waiting = list(answers)
        while waiting:
            taken, _ = bound.accept()
            connections.append(0)
            with taken, taken.makefile("rb") as stream:
                while waiting and (head := b"".join(iter(stream.readline, b"\r\n"))):
                    length = int(head.lower().partition(b"content-length: ")[2].split()[0])
                    asked.append(head + stream.read(length))
                    connections[-1] += 1
                    answer = waiting.pop(0)
                    taken.sendall(answer)
                    if not answer or b"close" in answer:
                        break

    with socket.create_server(("127.0.0.1", 0)) as bound:
        thread = threading.Thread(target=serve, args=(bound,))
        thread.start()
        yield f"http://127.0.0.1:{bound.getsockname()[1]}", asked, connections
        thread.join(5)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        pytest.param(OK + b"Content-Length: 5\r\n\r\nhello", 200, b"hello", id="length"),
        pytest.param(OK + b"content-LENGTH:0\r\n\r\n", 200, b"", id="empty"),
        pytest.param(
            OK
            + b"Transfer-Encoding: chunked\r\n\r\n"
            + b"3;x=y\r\nhel\r\nA\r\nlo, world!\r\n0\r\nT: 1\r\n\r\n",
            *(200, b"hello, world!"),
            id="chunks",
        ),
        pytest.param(OK + b"Connection: close\r\n\r\nhello", 200, b"hello", id="to-the-end"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", id="no-content"),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok",
            *(200, b"ok"),
            id="continue-first",
        ),
        pytest.param(b"HTTP/1.1 503\nContent-Length: 1\n\nx", 503, b"x", id="bare-line-ends"),
    ],
)
def test_an_answer_is_read(answer: bytes, status: int, body: bytes) -> None:
    with server(answer) as (url, _, _):
        connection = Connection(url, None)
        found = connection.post("/mcp", b"{}", {})
        connection.close()
    assert (found.status, found.body) == (status, body)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK close", id="cut-in-the-first-line"),
        pytest.param(OK + b"X: close\r\n", id="cut-in-the-headers"),
        pytest.param(OK + b"X: close\r\nContent-Length: 9\r\n\r\nhello", id="cut-in-the-body"),
        pytest.param(OK + b"X: close\r\nContent-Length: -1\r\n\r\nhello", id="negative-length"),
        pytest.param(OK + b"X: close\r\nContent-Length: x\r\n\r\nhello", id="no-length"),
        pytest.param(
            OK + b"X: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", id="cut-in-a-chunk"
        ),
        pytest.param(OK + b"X: close\r\n" * 201 + b"\r\n", id="too-many-headers"),
        pytest.param(OK + b"X: close" + b"x" * 70_000 + b"\r\n\r\n", id="too-long-a-header"),
        pytest.param(b"SSH-2.0-OpenSSH close\r\n", id="no-http"),
    ],
)
def test_what_is_no_answer_may_have_arrived(answer: bytes) -> None:
    with server(answer) as (url, _, _), pytest.raises(NoAnswerError) as found:
        Connection(url, None).post("/mcp", b"{}", {})
    assert found.value.may_have_arrived


def test_the_request_has_the_token_the_headers_and_the_body() -> None:
    with server(OK + b"Content-Length: 0\r\n\r\n") as (url, asked, _):
        connection = Connection(f"{url}/below/", "secret")
        connection.post("/mcp/a%2Fb", '{"é": 1}'.encode(), {"X-MBA-Client": "hook"})
        connection.close()
    head, _, body = asked[0].rpartition(b"\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /below/mcp/a%2Fb HTTP/1.1"
    assert {f"Host: {url.removeprefix('http://')}", "X-MBA-Client: hook"} <= set(lines)
    assert {"Authorization: Bearer secret", "Content-Type: application/json"} <= set(lines)
    assert body == '{"é": 1}'.encode()


def test_a_connection_is_used_again_unless_the_server_closes_it() -> None:
    stays, ends = OK + b"Content-Length: 0\r\n\r\n", OK + b"Connection: close\r\n\r\n"
    earlier = b"HTTP/1.0 200 OK\r\nX: close\r\nContent-Length: 0\r\n\r\n"
    with server(stays, ends, earlier, stays) as (url, _, connections):
        connection = Connection(url, None)
        for _ in range(4):
            assert connection.post("/mcp", b"{}", {}).status == 200
        connection.close()
        connection.close()
    assert connections == [2, 1, 1]


def test_who_does_not_listen_was_not_reached() -> None:
    with pytest.raises(NoAnswerError) as found:
        Connection("http://127.0.0.1:1", None).post("/mcp", b"{}", {})
    assert not found.value.may_have_arrived


def test_a_header_does_not_begin_another_one() -> None:
    with pytest.raises(ValueError, match="line end"):
        Connection("http://127.0.0.1:1", None).post("/mcp", b"{}", {"A": "b\r\nC: d"})


@pytest.mark.parametrize("url", ["ftp://x", "127.0.0.1:80", "http://"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="must be http://HOST:PORT"):
        Connection(url, None)
