"""Items as rows: read like a tuple, grown without a copy, branches apart."""

from __future__ import annotations

import numpy as np
import pytest

from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.items import ItemRows


def test_items_are_read_like_a_tuple() -> None:
    listed = [MemoryItem(name, "text", "rag") for name in "abc"]
    items = ItemRows(listed[:2])
    items.appended(listed[2:])
    assert (items[-1], items[np.int64(0)], items[0:5]) == (listed[1], listed[0], listed[:2])
    assert list(items) == listed[:2]
    with pytest.raises(IndexError, match="row 2 of 2 items"):
        _ = items[2]


def test_items_that_branch_off_do_not_see_the_other_branch() -> None:
    a, b, c = (MemoryItem(name, "text", "rag") for name in "abc")
    trunk = ItemRows([a])
    left, right = trunk.appended([b]), trunk.appended([c])
    assert (list(trunk), list(left), list(right)) == ([a], [a, b], [a, c])
