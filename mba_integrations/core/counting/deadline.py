"""Wait for somebody else's call, but not without end.

For a library that goes to the network without a time limit and offers no place to set one. The call
runs in a thread of its own; when the time is up the caller goes on, and the thread is left to end
by itself. It holds no process open, but what it locked stays locked, so this is for calls of which
a second one may wait as long as the first.

>>> within(10.0, lambda: 6 * 7)
42
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T]) -> T:
    """What *call* gives or raises, if it does so within *seconds*.

    Raises:
        TimeoutError: If it does not.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as error:  # whatever it is, it belongs to the caller
            errors.append(error)

    thread = threading.Thread(target=run, name="mba-within", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer within {seconds:g} seconds")
    return results[0]
