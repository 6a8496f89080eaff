"""The proxy between a client's pipes and a daemon: what it answers, sends on, and survives."""

from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from daemons import database, starts

from mba_integrations.core.errors import InputError
from mba_integrations.services.daemon.place import beside
from mba_integrations.services.daemon.speaking import Answer, NoAnswerError
from mba_integrations.services.daemon.starting import ensure
from mba_integrations.services.mcp.stdio.answers import CLIENT_KEY, MODERN_VERSION, VERSION_KEY
from mba_integrations.services.mcp.stdio.proxy import Proxy
from mba_integrations.services.mcp.stdio.upstream import file_daemon, remote_server

__all__ = ["database"]  # a fixture, for the tests that have a daemon


class Upstream:
    """Notes what it is asked, and gives what it was told to."""

    def __init__(self, said: bytes | Exception = b'{"jsonrpc":"2.0","id":1,"result":{}}') -> None:
        self.said = said
        self.asked: list[tuple[bytes, Mapping[str, str]]] = []

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.asked.append((body, headers))
        if isinstance(self.said, Exception):
            raise self.said
        return Answer(200, self.said)


def answered(upstream: Any, *messages: object) -> list[dict[str, Any]]:
    """What the client reads after it wrote these messages and closed its pipe."""
    lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in messages]
    output = io.BytesIO()
    Proxy(upstream, output).run(line + b"\n" for line in lines)
    return [json.loads(line) for line in output.getvalue().splitlines()]


def request(method: str, key: object = 1, **params: object) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": key, "method": method, "params": params}


INITIALIZE = request(
    "initialize", 0, protocolVersion="2025-06-18", clientInfo={"name": "Café\n client"}
)


def test_the_handshake_and_the_lists_need_no_daemon() -> None:
    upstream = Upstream()
    said = answered(
        upstream,
        INITIALIZE,
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        request("tools/list", "a"),
        request("server/discover", "b", _meta={VERSION_KEY: MODERN_VERSION}),
    )
    assert [one["id"] for one in said] == [0, "a", "b"]
    assert said[0]["result"]["protocolVersion"] == "2025-06-18"
    assert len(said[1]["result"]["tools"]) == 6
    assert not upstream.asked


def test_a_call_is_sent_on_as_it_is_with_what_it_says_in_headers() -> None:
    upstream = Upstream()
    call = request("tools/call", 1, name="recall", arguments={"query": "é"})
    answered(upstream, INITIALIZE, call, call)
    (body, headers), (_, again) = upstream.asked
    assert json.loads(body) == call
    assert headers["MCP-Protocol-Version"] == "2025-06-18"
    assert headers["X-MBA-Client"] == "Caf client"
    assert "Mcp-Method" not in headers
    assert headers["Idempotency-Key"] != again["Idempotency-Key"]


def test_the_later_revision_wants_method_and_name_in_headers() -> None:
    upstream = Upstream()
    meta = {VERSION_KEY: MODERN_VERSION, CLIENT_KEY: {"name": "codex"}}
    answered(
        upstream,
        request("tools/call", name="recall", _meta=meta),
        request("resources/read", uri="mba://é/prompt", _meta=meta),
    )
    by_method = {headers["Mcp-Method"]: headers for _, headers in upstream.asked}
    assert by_method["tools/call"]["Mcp-Name"] == "recall"
    assert by_method["tools/call"]["X-MBA-Client"] == "codex"
    assert by_method["resources/read"]["Mcp-Name"] == "=?base64?bWJhOi8vw6kvcHJvbXB0?="


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param(b"{", -32700, id="no-json"),
        pytest.param(b"[" * 100_000, -32700, id="deep"),
        pytest.param(b"[]", -32600, id="batch"),
        pytest.param(b'{"id": 1}', -32600, id="no-method"),
    ],
)
def test_a_line_that_is_no_request_is_refused_and_the_next_is_answered(
    line: bytes, code: int
) -> None:
    refused, pong = answered(Upstream(), line, request("ping", 2))
    assert (refused["id"], refused["error"]["code"]) == (None, code)
    assert pong == {"jsonrpc": "2.0", "id": 2, "result": {}}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(NoAnswerError("http://x", may_have_arrived=True), "does not answer", id="no"),
        pytest.param(b"<html>", "no answer that can be read: JSONDecodeError", id="html"),
        pytest.param(RuntimeError("secret"), "RuntimeError.", id="unforeseen"),
    ],
)
def test_a_request_that_cannot_be_answered_gets_an_error(
    said: bytes | Exception, expected: str
) -> None:
    (refused,) = answered(Upstream(said), request("tools/call", 7, name="status"))
    assert refused["id"] == 7
    assert expected in refused["error"]["message"]
    assert "secret" not in refused["error"]["message"]


def test_what_is_refused_unread_keeps_the_id_of_its_request() -> None:
    upstream = Upstream(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}')
    assert answered(upstream, request("tools/call", 7))[0]["id"] == 7


def test_a_daemon_that_is_killed_between_two_calls_is_started_again(database: Path) -> None:
    pids = []
    with closing(file_daemon(database, "kate é")) as daemon:
        for _ in range(3):
            (said,) = answered(daemon, request("tools/call", name="status"))
            assert said["result"]["path"] == "/mcp/kate%20%C3%A9"
            pids.append(said["result"]["pid"])
            os.kill(pids[-1], signal.SIGKILL)
    assert len(set(pids)) == 3


def test_requests_at_once_have_a_connection_each(database: Path) -> None:
    calls = [request("tools/call", key, name="status") for key in range(24)]
    with closing(file_daemon(database, None)) as daemon:
        said = answered(daemon, *calls)
    assert {one["id"] for one in said} == {one["result"]["asked"]["id"] for one in said}
    assert len(said) == 24
    assert starts(database) == 1


def test_a_token_of_an_earlier_daemon_is_read_again(database: Path) -> None:
    file = beside(database, "token")
    with closing(file_daemon(database, None)) as daemon:
        daemon.wake()
        right = file.read_text()
        file.write_text(json.dumps({**json.loads(right), "token": "wrong"}))
        with closing(file_daemon(database, None)) as wrong:
            assert wrong.post(b'{"id": 1}', {}).status == 401
            file.write_text(right)
            assert wrong.post(b'{"id": 1}', {}).status == 200


def test_a_server_elsewhere_is_asked_with_the_key(database: Path) -> None:
    found = ensure(database)
    with closing(remote_server(found.url + "/base/", found.token, "kate")) as server:
        (said,) = answered(server, request("tools/call", name="status"))
        assert said["result"]["path"] == "/base/mcp/kate"
    with closing(remote_server(found.url, "wrong", None)) as server:
        assert server.post(b'{"id": 1}', {}).status == 401
    with pytest.raises(InputError, match="url must be"):
        remote_server("nowhere", None, None)
