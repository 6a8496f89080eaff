"""Who is logged in, as JSON; behind the server's layers, which have found out who asks.

{"needs_key": false, "name": "laptop", "scopes": ["read", "write"], "csrf": "5f1c..."}
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from mba_integrations.services.access.keys import Keys
from mba_integrations.services.access.principal import Principal
from mba_integrations.services.api.layers.callers import key_in
from mba_integrations.services.api.work import RUNNING
from mba_integrations.services.dashboard.cookies import set_cookie
from mba_integrations.services.dashboard.tokens import CsrfTokens


class SessionApp:
    """Answers who is let in.

    Args:
        keys: The keys that there are.
        tokens: Against foreign pages.
    """

    def __init__(self, keys: Keys, tokens: CsrfTokens) -> None:
        self._keys = keys
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = key_in(Headers(scope=scope))
        made = partial(self._answer, scope["state"]["principal"], key)
        response = await RUNNING.get().run("store", made)
        if key is not None and scope["method"] == "POST":
            set_cookie(response, scope, key)
        await response(scope, receive, send)

    def _answer(self, principal: Principal, key: str | None) -> Response:
        name = None if key is None else self._name(principal)
        return session_response(self._tokens.of(key), name=name, scopes=principal.scopes)

    def _name(self, principal: Principal) -> str:
        """What the key was made for; the caller's id where the store has no such key."""
        rows = self._keys.list(by=principal)
        return next((one.name for one in rows if one.key_id == principal.key_id), principal.key_id)


def session_response(
    csrf: str, *, needs_key: bool = False, name: str | None = None, scopes: Iterable[str] = ()
) -> Response:
    """The answer."""
    return JSONResponse(
        {"needs_key": needs_key, "name": name, "scopes": sorted(scopes), "csrf": csrf}
    )
