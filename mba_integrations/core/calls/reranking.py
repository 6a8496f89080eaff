"""A reranker as an allocator calls it: how long it may take, and what is made of its answer.

It runs in a thread of its own, with the context variables of the call; after `seconds` the choice
goes on without it. A thread cannot be ended from outside: one that is late goes on, and what it
says then is for nobody. `MOST_AT_ONCE` run at the same time, and others wait for a place as long as
they may, so a service that hangs does not cost a thread for each question. What a reranker raises,
the call raises, but for `OSError`, which a refused connection and a time-out of its own are: such a
service is out of reach, as a late one is.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mba_integrations.core.arguments import check_function, checked_seconds, checked_whole
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.counting.deadline import within
from mba_integrations.core.errors import InputError
from mba_integrations.core.value.opinions.reranked import SecondLook

Reranker = Callable[[str, list[str]], Any]
"""A query and n texts in, n numbers out, higher is better; on any scale."""

RERANK_CANDIDATES = 100
RERANK_SECONDS = 10.0
"""Cross-encoders of a hundred million weights score a hundred passages in a few seconds of CPU."""
MOST_AT_ONCE = 16


def scores_of(answer: object, count: int) -> FloatArray:
    """A reranker's answer for *count* texts as numbers, shape (count,).

    Raises:
        InputError: If it is anything else, or holds a value that is not finite.

    >>> scores_of([0.5, 2], 2)
    array([0.5, 2. ])
    """
    try:
        scores = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        said = str(error).rstrip(".")
        raise InputError(f"the reranker returned what is no list of numbers: {said}.") from error
    if scores.shape != (count,):
        raise InputError(
            f"the reranker returned an array of shape {scores.shape} for {count:,} texts; it must "
            f"return one number for each, ({count:,},)."
        )
    odd = np.flatnonzero(~np.isfinite(scores))
    if len(odd):
        raise InputError(
            f"the reranker returned {scores[odd[0]]} for text {odd[0]} of {count:,}; a score must "
            "be finite."
        )
    return scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Reranking:
    """A reranker with its limits. Thread-safe if the reranker is.

    Attributes:
        reranker: What is asked.
        candidates: How many texts it is asked about at most, >= 2.
        seconds: How long a call waits for it; None for as long as it takes, in the call's thread.
    """

    reranker: Reranker
    candidates: int
    seconds: float | None
    _places: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(MOST_AT_ONCE))

    def asked(self, notes: list[str]) -> SecondLook:
        """The reranker for one call, which tells in *notes* where there are no scores."""

        def scores(query: str, texts: list[str]) -> FloatArray | None:
            try:
                answer = self._answer(query, texts)
            except OSError as error:
                notes.append(f"{_why(error, self.seconds)}; the choice goes on without it.")
                return None
            return scores_of(answer, len(texts))

        return SecondLook(scores, self.candidates)

    def _answer(self, query: str, texts: list[str]) -> object:
        if self.seconds is None:
            return self.reranker(query, texts)
        end = time.monotonic() + self.seconds
        if not self._places.acquire(timeout=self.seconds):
            raise _LateError
        context = contextvars.copy_context()

        def answer() -> _Outcome:
            try:
                return _Outcome(context.run(self.reranker, query, texts), None)
            except TimeoutError as error:  # its own, which is not that of `within`
                return _Outcome(None, error)
            finally:
                self._places.release()

        try:
            outcome = within(max(0.0, end - time.monotonic()), answer)
        except TimeoutError:
            raise _LateError from None
        if outcome.error is not None:
            raise outcome.error
        return outcome.value


class _LateError(TimeoutError):
    """That the time is up."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    value: object
    error: TimeoutError | None


def _why(error: OSError, seconds: float | None) -> str:
    if isinstance(error, _LateError):
        return f"the reranker took longer than {seconds:g} s"
    return f"the reranker is out of reach ({type(error).__name__}: {error})"


def reranking_of(
    reranker: Reranker | None, candidates: int, seconds: float | None
) -> Reranking | None:
    """The reranker with its limits; None without one.

    Raises:
        InputError: If an argument is out of its range.
    """
    candidates = checked_whole("rerank_candidates", candidates, at_least=2)
    if seconds is not None:
        seconds = checked_seconds("rerank_seconds", seconds)
    if reranker is None:
        return None
    check_function("reranker", reranker)
    if isinstance(reranker, type):
        raise InputError(f"reranker must be a function, got the class {reranker.__name__}.")
    return Reranking(reranker=reranker, candidates=candidates, seconds=seconds)
