"""Requests that come again: one with an `Idempotency-Key` is done once and answered alike.

    POST /v1/workspaces/kate/forget  Idempotency-Key: 7f3c  ->  done, 200
    the same, since the reply was lost                      ->  200, Idempotent-Replayed: true
    another body under 7f3c                                 ->  409

Answers are kept in the workspace for 24 hours, so an erasure takes those that hold what it erases.
What writes keeps its answer in its own transaction, so a server that is killed in between leaves
both or neither; what only reads is kept here, after it, and done again where that was lost. A body
that is a file is not read here: its route finds the answer, in the transaction.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.access.principal import Principal
from mba_integrations.services.api.errand import CURRENT, Asked
from mba_integrations.services.api.layers.bodies import is_file
from mba_integrations.services.api.layers.paths import workspace_in
from mba_integrations.services.api.replies import (
    BAD_REQUEST,
    ProblemError,
    as_json,
    response_to,
)
from mba_integrations.services.api.work import RUNNING
from mba_integrations.services.memory.answers import Answers
from mba_integrations.services.memory.once import AnsweredBeforeError

HEADER = "idempotency-key"
REPLAYED = "Idempotent-Replayed"
METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_NO_KEY = "Idempotency-Key must have 1 to 200 printable ASCII characters without spaces."
_OURS = "/v1/"
_WORKSPACE = re.compile(r"/v1/workspaces/([^/]+)(?:/(.+))?", re.DOTALL)  # ids have any sign
OWN = frozenset({"memories"})
"""Posts that find and keep their answer by themselves."""
MOST_KEPT_BYTES = 1024 * 1024


class AnswerLayer:
    """Answers a request that came before as it was answered.

    Args:
        app: What is within.
        answers: What requests were answered.
    """

    def __init__(self, app: ASGIApp, answers: Answers) -> None:
        self._app = app
        self._answers = answers
        self._busy: dict[str, asyncio.Lock] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = _key_of(scope)
        principal = None if key is None else CURRENT.get().principal
        if key is None or principal is None:
            await self._app(scope, receive, send)
            return
        try:
            if not _KEY.fullmatch(key):
                raise ProblemError(BAD_REQUEST, _NO_KEY)
            name = f"http:{principal.key_id}:{key}"
            lock = self._busy.setdefault(name, asyncio.Lock())
            try:
                async with lock:
                    await self._asked(scope, receive, send, name)
            finally:
                if not lock.locked():
                    self._busy.pop(name, None)
        except (ProblemError, MemoryBudgetError) as error:
            await response_to(error)(scope, receive, send)

    async def _asked(self, scope: Scope, receive: Receive, send: Send, name: str) -> None:
        reads_file = is_file(scope["path"])
        body = b"" if reads_file else (await receive()).get("body", b"")
        asked = CURRENT.get().asked = Asked(name=name, digest=_digest(scope, body))
        workspace_id, heard = None if reads_file else _workspace_of(scope), _Heard()
        known = None if workspace_id is None else await self._found(workspace_id, asked)
        try:
            if known is None:
                await self._app(scope, receive if reads_file else _again(body, receive), heard)
        except AnsweredBeforeError as before:
            known = before.answer
        if known is not None:
            await _send_again(known, send)
            return
        if workspace_id is not None and heard.is_kept and not asked.kept:
            keep = partial(self._answers.keep, workspace_id, name, asked.digest, heard.written())
            await RUNNING.get().run("store", keep)
        for message in heard.messages:
            await send(message)

    async def _found(self, workspace_id: str, asked: Asked) -> Mapping[str, Any] | None:
        find = partial(self._answers.find, workspace_id, asked.name, asked.digest)
        return await RUNNING.get().run("store", find)


def _key_of(scope: Scope) -> str | None:
    """The name that the caller gave to a request of ours."""
    if scope["type"] != "http" or scope["method"] not in METHODS:
        return None
    if not scope["path"].startswith(_OURS):
        return None
    return Headers(scope=scope).get(HEADER)


def _digest(scope: Scope, body: bytes) -> str:
    asked = (scope["method"], scope["path"], scope.get("query_string", b"").decode("latin-1"))
    return hashlib.sha256(repr(asked).encode() + body).hexdigest()


def _workspace_of(scope: Scope) -> str | None:
    """The workspace in which a request's answer is kept; None where it is not kept here."""
    found = _WORKSPACE.fullmatch(scope["path"])
    principal: Principal | None = CURRENT.get().principal
    if found is None or found[2] in OWN or principal is None:
        return None
    workspace_id = workspace_in(found[1])
    # Of a workspace that is not the caller's the route says that there is none.
    return workspace_id if principal.may_reach(workspace_id) else None


class _Heard:
    """`send` that holds an answer back until it is kept: a caller that has one may rely on it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def _body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)

    @property
    def is_kept(self) -> bool:
        """Whether the answer is one that holds: what failed may be tried again."""
        done = bool(self.messages) and 200 <= self.messages[0]["status"] < 300
        return done and len(self._body) <= MOST_KEPT_BYTES

    def written(self) -> dict[str, Any]:
        start = self.messages[0]
        headers = Headers(raw=start["headers"])
        names = [name for name in headers if name.startswith("x-mba-") or name == "content-type"]
        # As JSON and not as a text of it, so that an erasure finds what it erases.
        return {
            "status": start["status"],
            "headers": {name: headers[name] for name in names},
            "body": json.loads(self._body),
        }


async def _send_again(known: Mapping[str, Any], send: Send) -> None:
    body = as_json(known["body"])
    start: Message = {"type": "http.response.start", "status": known["status"], "headers": []}
    headers = MutableHeaders(scope=start)
    for name, value in known["headers"].items():
        headers[name] = value
    headers["Content-Length"] = str(len(body))
    headers[REPLAYED] = "true"
    await send(start)
    await send({"type": "http.response.body", "body": body})


def _again(body: bytes, receive: Receive) -> Receive:
    """`receive` that gives the body once more, and then goes on."""
    handed = False

    async def given() -> Message:
        nonlocal handed
        if handed:
            return await receive()
        handed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return given
