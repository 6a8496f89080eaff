"""Tokens against requests that a page of another origin has a browser make.

A token belongs to the key that is logged in, or to nobody where none is. A foreign page cannot read
it: no answer of the server is open to other origins. Nothing is kept, so any process of the same
store knows the tokens of all others.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import cached_property


class CsrfTokens:
    """Makes and checks tokens.

    Args:
        secret: Gives what they are signed with; read when the first one is made.
    """

    def __init__(self, secret: Callable[[], bytes]) -> None:
        self._read = secret

    @cached_property
    def _secret(self) -> bytes:
        return self._read()

    def of(self, key: str | None) -> str:
        """The token of who is logged in with a key; None for nobody."""
        return hmac.digest(self._secret, (key or "").encode(), "sha256").hex()

    def holds(self, token: str, key: str | None) -> bool:
        """Whether a token is that of the key."""
        return hmac.compare_digest(token.encode(), self.of(key).encode())
