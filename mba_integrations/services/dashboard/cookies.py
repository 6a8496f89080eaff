"""The cookie that holds the key of who is logged in: no script reads it, no other page sends it.

    mba_key_8377=mba_4f6c2a1b90de_...; Path=/dashboard; HttpOnly; SameSite=Strict

Browsers send a cookie to every port of a host, so its name has the port: two servers on one machine
do not log each other out.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import Scope

PATH = "/dashboard"


def key_in_cookie(scope: Scope) -> str | None:
    """The key that a request's cookie has."""
    headers = Headers(scope=scope)
    return cookie_parser(headers.get("cookie", "")).get(_name(headers)) or None


def set_cookie(response: Response, scope: Scope, key: str) -> None:
    """Have the browser keep a key until it is closed."""
    response.set_cookie(
        _name(Headers(scope=scope)),
        key,
        path=PATH,
        httponly=True,
        samesite="strict",
        secure=scope.get("scheme") == "https",
    )


def drop_cookie(response: Response, scope: Scope) -> None:
    """Have the browser forget the key."""
    response.delete_cookie(_name(Headers(scope=scope)), path=PATH, httponly=True, samesite="strict")


def _name(headers: Headers) -> str:
    port = headers.get("host", "").rpartition(":")[2]
    return f"mba_key_{port if port.isdecimal() else 'default'}"
