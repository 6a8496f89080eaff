"""The boundary to whatever counts: what is no count is refused, and which ids last."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from mba_integrations.core.counting.counter import (
    MOST_TOKENS,
    TokenCounter,
    checked_count,
    checked_counts,
    outlives_process,
)
from mba_integrations.core.errors import InputError


class Fixed:
    """A counter that returns what it was given."""

    id = "fixed"
    exact = False

    def __init__(self, result: object) -> None:
        self.result = result

    def count(self, text: str, /) -> int:
        return self.result  # type: ignore[return-value]

    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        return self.result  # type: ignore[return-value]


def test_the_role_is_known_by_its_members() -> None:
    assert isinstance(Fixed(1), TokenCounter)
    assert not isinstance(len, TokenCounter)


@pytest.mark.parametrize("result", [-1, 2.0, "3", None, True])
def test_a_count_that_is_no_count_is_refused_with_the_counters_id(result: object) -> None:
    with pytest.raises(InputError, match="'fixed'"):
        checked_count(Fixed(result), "x")
    with pytest.raises(InputError, match="'fixed'"):
        checked_counts(Fixed([1, result]), ["x", "y"])


def test_a_count_up_to_the_most_of_one_text_is_taken() -> None:
    assert checked_count(Fixed(MOST_TOKENS), "x") == MOST_TOKENS
    assert checked_counts(Fixed([MOST_TOKENS, 0]), ["x", "y"]) == [MOST_TOKENS, 0]
    with pytest.raises(InputError, match=r"a count must be at most 2\*\*63 - 1"):
        checked_count(Fixed(MOST_TOKENS + 1), "x")
    with pytest.raises(InputError, match=r"a count must be at most 2\*\*63 - 1"):
        checked_counts(Fixed([1, MOST_TOKENS + 1]), ["x", "y"])


@pytest.mark.parametrize("kind", [np.int64, np.uint8, int], ids=["int64", "uint8", "int"])
def test_integers_of_any_kind_are_counts_and_become_python_ones(kind: type) -> None:
    counts = checked_counts(Fixed([kind(1), kind(2)]), ["x", "y"])
    assert counts == [1, 2]
    assert {type(count) for count in [*counts, checked_count(Fixed(kind(3)), "x")]} == {int}


def test_a_column_of_numpy_is_a_batch_of_counts() -> None:
    assert checked_counts(Fixed(np.array([1, 2])), ["x", "y"]) == [1, 2]


@pytest.mark.parametrize("result", [[1], [1, 2, 3], 5, None])
def test_a_batch_of_the_wrong_length_is_refused(result: object) -> None:
    with pytest.raises(InputError, match="count_batch"):
        checked_counts(Fixed(result), ["x", "y"])


def test_an_empty_batch_has_no_counts() -> None:
    assert checked_counts(Fixed([]), []) == []


def test_a_batch_is_handed_over_as_a_list_of_its_own() -> None:
    given = [1, 2]
    checked_counts(Fixed(given), ["x", "y"]).append(3)
    assert given == [1, 2]


@pytest.mark.parametrize(
    ("counter_id", "expected"),
    [
        pytest.param("tiktoken:o200k_base", True, id="encoding"),
        pytest.param("callable:builtins.len", True, id="function-with-a-name"),
        pytest.param("my counter #2", True, id="given-by-the-user"),
        pytest.param("callable#2:<lambda>", False, id="numbered"),
    ],
)
def test_an_id_that_is_numbered_lasts_no_longer_than_the_process(
    counter_id: str, expected: bool
) -> None:
    assert outlives_process(counter_id) is expected
