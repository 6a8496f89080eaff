"""Who asks, on every path but those of health: the key in the header, never the body, decides.

A server that only this machine reaches is open to it while no key was ever made.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from functools import partial

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.access.errors import UnknownCallerError
from mba_integrations.services.access.keys import Keys
from mba_integrations.services.access.principal import LOCAL, Principal
from mba_integrations.services.api.errand import CURRENT, Errand
from mba_integrations.services.api.layers.rates import Rates
from mba_integrations.services.api.mounts import Mount, mount_of
from mba_integrations.services.api.replies import TOO_MANY, ProblemError, response_to
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.api.work import RUNNING

OPEN_PATHS = frozenset({"/livez", "/readyz", "/openapi.json", "/docs"})
FAILURES_PER_MINUTE = 20
_NO_KEY = (
    "this server asks for a key: send one as 'Authorization: Bearer mba_...' or "
    "'X-API-Key: mba_...'. 'mba keys create NAME' makes one."
)


class CallerLayer:
    """Finds out who asks, and how often.

    Args:
        app: What is within.
        keys: The keys that there are.
        settings: Whether the server is open, and the rates.
        mounts: Apps of which some have keys elsewhere.
    """

    def __init__(
        self, app: ASGIApp, keys: Keys, settings: ServerSettings, mounts: Sequence[Mount] = ()
    ) -> None:
        self._app = app
        self._mounts = tuple(mounts)
        self._keys = keys
        self._open = settings.is_local
        self._insecure = settings.insecure
        self._token = None if settings.token is None else settings.token.encode()
        self._rates = Rates(settings.requests_per_minute)
        self._failures = Rates(FAILURES_PER_MINUTE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        errand = CURRENT.get()
        try:
            with errand.timed("auth"):
                principal = await self._caller(scope)
            self._count(principal, errand)
        except (ProblemError, MemoryBudgetError) as error:
            await response_to(error)(scope, receive, send)
            return
        errand.principal = scope["state"]["principal"] = principal
        await self._app(scope, receive, send)

    async def _caller(self, scope: Scope) -> Principal:
        key = self._key(scope["path"], Headers(scope=scope))
        at_once = self._principal_at_once(key)
        if at_once is not None:
            return at_once
        try:
            return await RUNNING.get().run("store", partial(self._principal, key))
        except UnknownCallerError:
            # Who guesses is stopped, and not who asks with a key through the same address.
            address = str((scope.get("client") or ("unknown",))[0])
            if self._failures.left_after(address) is None:
                raise _too_many("Too many keys were refused", FAILURES_PER_MINUTE, 60) from None
            raise

    def _key(self, path: str, headers: Headers) -> str | None:
        mount = mount_of(self._mounts, path)
        if mount is None or mount.key_in is None:
            return key_in(headers)
        return mount.key_in(headers)

    def _principal_at_once(self, key: str | None) -> Principal | None:
        """Who asks, if that can be said without a thread; None for whoever may be refused too."""
        if key is not None:
            return LOCAL if self._is_token(key) else self._keys.authenticate_at_once(key)
        if self._insecure or (self._open and self._keys.were_made_at_once() is False):
            return LOCAL
        return None

    def _principal(self, key: str | None) -> Principal:
        if key is not None:
            return self._keys.authenticate(key)
        if self._open and not self._keys.were_made():
            return LOCAL
        raise UnknownCallerError(_NO_KEY)

    def _is_token(self, key: str) -> bool:
        return self._token is not None and hmac.compare_digest(key.encode(), self._token)

    def _count(self, principal: Principal, errand: Errand) -> None:
        most, left = self._rates.most, self._rates.left_after(principal.key_id)
        errand.headers["RateLimit-Policy"] = f'"key";q={most};w=60'
        errand.headers["RateLimit"] = f'"key";r={left or 0}'
        if left is None:
            raise _too_many("The key asks too often", most, 1)


def key_in(headers: Headers) -> str | None:
    """The key that a request brings."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    if scheme:
        return ""  # of another scheme: it is a caller who is not known
    return headers.get("x-api-key")


def _too_many(what: str, most: int, seconds: int) -> ProblemError:
    return ProblemError(
        TOO_MANY,
        f"{what}: at most {most:,} in a minute. Ask again later.",
        headers={"Retry-After": str(seconds)},
    )
