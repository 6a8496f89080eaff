"""Values of somebody else's are compared, and what cannot be compared counts as different."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hostile_values import INCOMPARABLE

from mba_integrations import MemoryBudgetAllocator, MemoryItem, MemoryPool
from mba_integrations.core.arguments import says_the_same


class Labels(dict[str, str]):
    """Has fields of its own besides what it holds."""


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        pytest.param("a", "a", True, id="texts"),
        pytest.param("a", "b", False, id="other-texts"),
        pytest.param([{"type": "text"}], [{"type": "text"}], True, id="lists"),
        pytest.param(1, True, False, id="other-types"),
        pytest.param(None, None, True, id="nothing"),
        pytest.param(Labels(user="kate"), Labels(user="kate"), True, id="of-a-kind-of-dict"),
        pytest.param(Labels(user="kate"), Labels(user="bob"), False, id="other-of-a-kind-of-dict"),
        pytest.param(np.zeros(1), np.zeros(1), True, id="one-number"),
    ],
)
def test_values_are_the_same_if_they_are_equal_and_of_one_type(
    before: object, now: object, same: bool
) -> None:
    assert says_the_same(before, now) is same


NAMES = ("oak", "elm", "ash")
VALUES = pytest.mark.parametrize("make", INCOMPARABLE.values(), ids=INCOMPARABLE)


@VALUES
def test_what_cannot_be_compared_is_the_same_only_as_itself(make: Any) -> None:
    before, now = make(), make()
    assert says_the_same(before, before)
    assert not says_the_same(before, now)
    assert not says_the_same({"held": before}, {"held": now})


@VALUES
@pytest.mark.parametrize("way", ["list", "pool"])
def test_metadata_that_cannot_be_compared_does_not_stop_the_next_call(make: Any, way: str) -> None:
    allocator = MemoryBudgetAllocator(len)
    pool = MemoryPool()
    for _ in range(3):
        items = [MemoryItem(name, name, "rag", metadata={"cells": make()}) for name in NAMES]
        if way == "pool" and len(pool):
            pool.update(*items)
        elif way == "pool":
            pool.add(*items)
        given = pool if way == "pool" else items
        assert len(allocator.allocate_memory_budget("oak", given).selected) == 3
