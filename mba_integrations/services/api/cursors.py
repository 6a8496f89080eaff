"""`Cursors`: where a list goes on, sealed, so that a cursor of one list does not open another.

    place 41 of the list (kate, filter f)  ->  "KTQx..."  ->  41, for that list alone

The seal is an HMAC over the place and the list, with a key that the store keeps: a cursor goes on
after a restart, and at every server on that store. The list is named with its workspace or caller,
so a cursor that was changed, or taken to another's list, is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable
from functools import cached_property
from typing import Any

from mba_integrations.core.errors import InputError

_SEAL = 16


class Cursors:
    """Makes and reads cursors.

    Args:
        key: Gives that of the seal, when the first cursor is made or read.
    """

    def __init__(self, key: Callable[[], bytes]) -> None:
        self._find_key = key

    @cached_property
    def _key(self) -> bytes:
        return self._find_key()

    def make(self, place: Any, *of: object) -> str:
        """The cursor of a place in the list that *of* describes.

        >>> cursors = Cursors(lambda: b"k")
        >>> cursors.place(cursors.make([1, "a"], "kate"), "kate")
        [1, 'a']
        """
        written = json.dumps(place).encode()
        return base64.urlsafe_b64encode(self._seal(written, of) + written).decode()

    def place(self, cursor: str, *of: object) -> Any:
        """The place.

        Raises:
            InputError: If it is no cursor of this list.
        """
        try:
            sealed = base64.urlsafe_b64decode(cursor)
        except (binascii.Error, ValueError):
            sealed = b""
        seal, written = sealed[:_SEAL], sealed[_SEAL:]
        if not hmac.compare_digest(seal, self._seal(written, of)):
            raise InputError(
                "cursor is none of this list with these filters. Begin again without one."
            )
        return json.loads(written)

    def _seal(self, written: bytes, of: tuple[object, ...]) -> bytes:
        told = written + b"\0" + repr(of).encode("utf-8", "backslashreplace")
        return hmac.digest(self._key, told, hashlib.sha256)[:_SEAL]
