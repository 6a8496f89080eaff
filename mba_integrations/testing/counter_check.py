"""Whether a token counter keeps the rules of `TokenCounter`."""

from __future__ import annotations

from collections.abc import Sequence

from mba_integrations import TokenCounter
from mba_integrations.core.counting.given_counters import as_token_counter
from mba_integrations.testing.rules import HOSTILE_TEXTS, THREADS, at_once, no_error, require, short


def check_token_counter(counter: object, *, texts: Sequence[str] = ()) -> None:
    """Check a counter, or what an allocator takes for one, such as a function.

    Args:
        counter: What would be given to an allocator as `token_counter`.
        texts: Texts to count besides those that every counter must bear.

    Raises:
        AssertionError: With the first rule that is broken.

    >>> check_token_counter(lambda text: len(text.split()))
    """
    with no_error("token_counter", "Give a TokenCounter or a function."):
        checked = as_token_counter(counter)
    name = f"token counter {checked.id!r}"
    require(isinstance(checked.id, str) and checked.id, f"{name}: id must be a text, not empty.")
    require(isinstance(checked.exact, bool), f"{name}: exact must be True or False.")
    asked = (*HOSTILE_TEXTS, *texts)
    counts = [_count(checked, name, text) for text in asked]
    _check_batches(checked, name, asked, counts)
    again = [_count(checked, name, text) for text in asked]
    differing = [short(text) for text, a, b in zip(asked, counts, again, strict=True) if a != b]
    require(not differing, f"{name}: a second count differs for {', '.join(differing)}.")
    at_once(checked.count, asked[:THREADS] * 4, f"{name}: count")


def _count(counter: TokenCounter, name: str, text: str) -> int:
    with no_error(f"{name}: count({short(text)})", "Rule 3: every text is counted."):
        count = counter.count(text)
    whole = isinstance(count, int) and not isinstance(count, bool) and count >= 0
    told = (
        f"{name}: count({short(text)}) gave {count!r}; rule 4: counts are integers, zero or more."
    )
    require(whole, told)
    return count


def _check_batches(
    counter: TokenCounter, name: str, texts: Sequence[str], counts: list[int]
) -> None:
    for batch, expected in (((), []), (texts, counts), (texts[::-1], counts[::-1])):
        with no_error(f"{name}: count_batch of {len(batch):,} texts", "Rule 3 holds for it too."):
            found = counter.count_batch(batch)
        told = f"{name}: count_batch of {len(batch):,} texts differs from count of each; rule 2."
        require(list(found) == expected, told)
