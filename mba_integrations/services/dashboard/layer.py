"""The layer around the server: files to everybody, and the key of the cookie to the API.

    GET  /dashboard/js/main.js             ->  the file
    GET  /dashboard/v1/workspaces          ->  GET /v1/workspaces, Authorization: Bearer mba_...
    POST /dashboard/session {"key": "mba_..."}  ->  the session's app, with that key

A browser sends the cookie with whatever any page asks of `/dashboard`, so what changes something
must bring the token that only the page itself can read. Elsewhere cookies count for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mba_integrations.services.api.replies import (
    INVALID,
    NO_SUCH_PATH,
    TOO_LARGE,
    WRONG_METHOD,
    ProblemError,
    response_to,
)
from mba_integrations.services.api.work import RUNNING
from mba_integrations.services.contracts.problems import Kind
from mba_integrations.services.dashboard.cookies import PATH, drop_cookie, key_in_cookie
from mba_integrations.services.dashboard.pages import Pages
from mba_integrations.services.dashboard.session import session_response
from mba_integrations.services.dashboard.tokens import CsrfTokens

TOKEN_HEADER = "X-CSRF-Token"
WRONG_TOKEN = Kind(
    status=403, slug="wrong-token", title="the request is not known to be the page's"
)
POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_SESSION, _API = "/session", "/v1/"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_KEYS = frozenset({b"authorization", b"x-api-key", b"cookie"})
_MOST_BYTES, _LONGEST_KEY = 4_096, 500
_ROUTE = SimpleNamespace(path=PATH)
"""What metrics count a file under."""


class DashboardLayer:
    """Answers for the page and lets its calls go on.

    Args:
        app: What is within.
        pages: The files.
        tokens: Against foreign pages.
        needs_key: Whether who has no key is let in nowhere.
    """

    def __init__(
        self, app: ASGIApp, *, pages: Pages, tokens: CsrfTokens, needs_key: Callable[[], bool]
    ) -> None:
        self._app = app
        self._pages = pages
        self._tokens = tokens
        self._needs_key = needs_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path != PATH and not path.startswith(f"{PATH}/"):
            await self._app(scope, receive, send)
            return
        send, rest = _guarded(send), path.removeprefix(PATH)
        try:
            if rest == _SESSION or rest.startswith(_API):
                await self._go_on(rest, scope, receive, send)
            else:
                await self._page(rest, scope)(scope, receive, send)
        except ProblemError as error:
            await response_to(error)(scope, receive, send)

    def _page(self, rest: str, scope: Scope) -> Response:
        scope["route"] = _ROUTE
        if scope["method"] not in ("GET", "HEAD"):
            raise ProblemError(WRONG_METHOD, "Files of the page are only read.")
        if not rest:
            return RedirectResponse(f"{PATH[1:]}/")  # so that the page's paths begin at it
        found = self._pages.answer(rest[1:], Headers(scope=scope))
        if found is None:
            raise ProblemError(NO_SUCH_PATH, "The page has no such file.")
        return found

    async def _go_on(self, rest: str, scope: Scope, receive: Receive, send: Send) -> None:
        key = key_in_cookie(scope)
        await self._check_token(scope, key)
        if rest != _SESSION:
            scope["path"] = rest
            await self._app(_as_caller(scope, key), receive, send)
        elif scope["method"] == "POST":
            given = await _given_key(receive)
            await self._app(_as_caller(scope, given), _emptied(receive), send)
        elif scope["method"] == "DELETE":
            await (await self._nobody(scope, key))(scope, receive, send)
        elif scope["method"] in _SAFE:
            await self._session(scope, key, receive, send)
        else:
            raise ProblemError(WRONG_METHOD, "A session is read, begun with POST, or deleted.")

    async def _check_token(self, scope: Scope, key: str | None) -> None:
        if scope["method"] in _SAFE:
            return
        given = Headers(scope=scope).get(TOKEN_HEADER, "")
        if not await RUNNING.get().run("store", partial(self._tokens.holds, given, key)):
            raise ProblemError(
                WRONG_TOKEN,
                f"Send the csrf of GET {PATH}{_SESSION} as {TOKEN_HEADER}; logging in and out "
                "changes it. Programs use /v1 with a key.",
            )

    async def _session(self, scope: Scope, key: str | None, receive: Receive, send: Send) -> None:
        """Who is logged in; a key that holds no more is nobody's, and no error."""
        if key is None and await RUNNING.get().run("store", self._needs_key):
            await (await self._nobody(scope, key))(scope, receive, send)
            return
        seen = _Refused(send)
        await self._app(_as_caller(scope, key), receive, seen)
        if seen.refused:
            await (await self._nobody(scope, key))(scope, receive, send)

    async def _nobody(self, scope: Scope, key: str | None) -> Response:
        """That nobody is logged in, which ends the cookie of a key."""
        work = RUNNING.get()
        csrf = await work.run("store", partial(self._tokens.of, None))
        needs_key = await work.run("store", self._needs_key)
        response = session_response(csrf, needs_key=needs_key)
        if key is not None:
            drop_cookie(response, scope)
        return response


class _Refused:
    """`send` but for an answer that refuses the key."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.refused = False

    async def __call__(self, message: Message) -> None:
        self.refused = self.refused or message.get("status") == 401
        if not self.refused:
            await self._send(message)


def _as_caller(scope: Scope, key: str | None) -> Scope:
    """The request with the key of its cookie, and with no other."""
    headers = [(name, value) for name, value in scope["headers"] if name not in _KEYS]
    if key is not None:
        headers.append((b"authorization", f"Bearer {key}".encode("latin-1")))
    scope["headers"] = headers
    return scope


def _guarded(send: Send) -> Send:
    """`send` with what browsers are told for the whole page."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = POLICY
            headers["Referrer-Policy"] = "no-referrer"
        await send(message)

    return sent


async def _given_key(receive: Receive) -> str:
    """The key in the body of who logs in."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > _MOST_BYTES:
            raise ProblemError(TOO_LARGE, f"A login has at most {_MOST_BYTES:,} bytes.")
    try:
        key = json.loads(body)["key"].strip()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProblemError(INVALID, 'Send {"key": "mba_..."}.') from error
    if not (0 < len(key) <= _LONGEST_KEY and key.isascii() and key.isprintable()):
        raise ProblemError(INVALID, f"A key has 1 to {_LONGEST_KEY} characters of ASCII.")
    return str(key)


def _emptied(receive: Receive) -> Receive:
    """`receive` after the body was read."""
    handed = False

    async def given() -> Message:
        nonlocal handed
        if handed:
            return await receive()
        handed = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return given
