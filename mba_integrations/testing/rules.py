"""How a check says what is wrong: one sentence, with the rule of the protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Given = TypeVar("Given")

THREADS = 8
HOSTILE_TEXTS = (
    *("", " ", "\n", "a", "Kate skis.\nOslo is cold.", "naïve 日本語 \U0001f600 \u202e"),
    *("<|endoftext|><|im_start|>", "\ud800 lone", "nul \0 \x1b[31m", "{text} %s {0}"),
    *("x" * 100_000, " " * 100_000, "word " * 20_000),
)
"""Texts that memories may hold: no counter, embedder or layout may fail on one."""


def require(holds: object, sentence: str) -> None:
    """Go on if the rule holds.

    Raises:
        AssertionError: With the sentence. An `assert` would be gone under `python -O`.
    """
    if not holds:
        raise AssertionError(sentence)


@contextmanager
def no_error(doing: str, rule: str) -> Iterator[None]:
    """What is done within must not raise."""
    try:
        yield
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"{doing} raised {type(error).__name__}: {error}. {rule}") from error


def at_once(do: Callable[[Given], object], given: Iterable[Given], doing: str) -> None:
    """Call from several threads, with each of the arguments once."""
    with ThreadPoolExecutor(THREADS) as threads:
        calls = [threads.submit(do, one) for one in given]
    for call in calls:
        with no_error(doing, "It may be called from several threads at once."):
            call.result()


def short(text: str) -> str:
    """A text as a message shows it."""
    return repr(text) if len(text) <= 40 else f"{text[:20]!r}... of {len(text):,} characters"
