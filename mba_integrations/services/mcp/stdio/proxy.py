"""`Proxy`: JSON-RPC lines of a client's pipe to HTTP requests, and back.

What is the same for everybody is answered here; all else is sent on as it is, and its answer sent
back as it is. Requests that come at the same time are asked at the same time. The protocol's later
revision wants in headers what the message says, so it is written there.

    {"id": 1, "method": "initialize", ...}                      answered here
    {"id": 2, "method": "tools/call", "params": {"name": ...}}  POST /mcp/{workspace}
    {"method": "notifications/initialized"}                     nobody has to know
"""

from __future__ import annotations

import base64
import json
import threading
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO, Protocol

from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.daemon.speaking import Answer
from mba_integrations.services.mcp.stdio.answers import (
    CLIENT_KEY,
    HANDSHAKE_VERSIONS,
    MODERN_VERSION,
    VERSION_KEY,
    answer,
)

_THREADS = 16
_LONGEST_NAME = 64
_PARSE_ERROR, _INVALID_REQUEST, _INTERNAL_ERROR = -32700, -32600, -32603
_NAMES = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_ACCEPT = "application/json, text/event-stream"


class Asked(Protocol):
    """Who answers what the proxy does not, such as `Upstream`."""

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The answer to a request."""


class Proxy:
    """Answers a client's messages.

    Args:
        upstream: Who is asked.
        output: The client's end of the other pipe.
    """

    def __init__(self, upstream: Asked, output: BinaryIO) -> None:
        self._upstream = upstream
        self._output = output
        self._lock = threading.Lock()
        self._version = HANDSHAKE_VERSIONS[-1]
        self._client: object = None

    def run(self, lines: Iterable[bytes]) -> None:
        """Answer until the client closes its pipe; what was asked before is answered."""
        with ThreadPoolExecutor(_THREADS) as pool:
            for line in lines:
                if line.strip():
                    self._take(line, pool)

    def _take(self, line: bytes, pool: ThreadPoolExecutor) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            self._refuse(None, _PARSE_ERROR, "this is no JSON.")
            return
        if not isinstance(message, dict) or not isinstance(message.get("method"), str):
            self._refuse(None, _INVALID_REQUEST, "this is no single request of JSON-RPC.")
        elif "id" in message:
            own = self._own_answer(message)
            if own is None:
                pool.submit(self._ask, message, line)
            else:
                self._write({"jsonrpc": "2.0", "id": message["id"], "result": own})

    def _own_answer(self, message: Mapping[str, Any]) -> dict[str, Any] | None:
        method, params = message["method"], _params(message)
        found = answer(method, params, _era(message, self._version))
        if method == "initialize" and found is not None:
            self._version = found["protocolVersion"]
            self._client = params.get("clientInfo")
        return found

    def _ask(self, message: Mapping[str, Any], line: bytes) -> None:
        try:
            said = self._upstream.post(line, self._headers(message)).body
            parsed = json.loads(said)
            if parsed.get("id") is None:  # refused before it was read
                parsed["id"] = message["id"]
            self._write(parsed)
        except MemoryBudgetError as error:
            self._refuse(message["id"], _INTERNAL_ERROR, f"{error} Go on without memory.")
        except Exception as error:
            kind = type(error).__name__
            self._refuse(message["id"], _INTERNAL_ERROR, f"no answer that can be read: {kind}.")

    def _headers(self, message: Mapping[str, Any]) -> dict[str, str]:
        method, params = message["method"], _params(message)
        era = _era(message, self._version)
        headers = {
            "Accept": _ACCEPT,
            "MCP-Protocol-Version": era,
            "Idempotency-Key": uuid.uuid4().hex,
            "X-MBA-Client": _name_of(_meta(message).get(CLIENT_KEY, self._client)),
        }
        if era not in HANDSHAKE_VERSIONS:
            headers["Mcp-Method"] = _in_header(method)
            name = params.get(_NAMES.get(method, ""))
            if isinstance(name, str):
                headers["Mcp-Name"] = _in_header(name)
        return headers

    def _refuse(self, key: object, code: int, text: str) -> None:
        error = {"code": code, "message": text}
        self._write({"jsonrpc": "2.0", "id": key, "error": error})

    def _write(self, message: Mapping[str, Any]) -> None:
        said = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            try:
                self._output.write(said)
                self._output.flush()
            except OSError:
                return  # the client has gone


def _params(message: Mapping[str, Any]) -> dict[str, Any]:
    params = message.get("params")
    return params if isinstance(params, dict) else {}


def _meta(message: Mapping[str, Any]) -> dict[str, Any]:
    meta = _params(message).get("_meta")
    return meta if isinstance(meta, dict) else {}


def _name_of(client: object) -> str:
    """What a client calls itself, as far as a header can hold it."""
    name = str(client.get("name", "")) if isinstance(client, dict) else ""
    plain = "".join(sign for sign in name if sign.isascii() and sign.isprintable())
    return plain[:_LONGEST_NAME].strip() or "mcp"


def _era(message: Mapping[str, Any], negotiated: str) -> str:
    """The revision that a message is made in."""
    said = _meta(message).get(VERSION_KEY)
    if isinstance(said, str):
        return said
    return MODERN_VERSION if message["method"] == "server/discover" else negotiated


def _in_header(text: str) -> str:
    """A text as a header can hold it; what it cannot hold in the protocol's own escape."""
    plain = text.isascii() and text.isprintable() and text == text.strip()
    if plain and not text.startswith("=?base64?"):
        return text
    return f"=?base64?{base64.b64encode(text.encode('utf-8', 'surrogatepass')).decode()}?="
