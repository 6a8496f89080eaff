"""Many or large texts are remembered in parts that a server takes."""

from __future__ import annotations

import pytest

from mba_integrations import MemoryItem
from mba_integrations.commands.memory.remember import _parts
from mba_integrations.services import NewMemory


@pytest.mark.parametrize(
    ("bytes_each", "count", "expected"),
    [
        pytest.param(1, 1, [1], id="one"),
        pytest.param(1, 1_000, [1_000], id="as-many-as-go-at-once"),
        pytest.param(1, 1_001, [1_000, 1], id="one-more"),
        pytest.param(256 * 1024, 9, [8, 1], id="as-large-as-go-at-once"),
        pytest.param(3 * 1024 * 1024, 2, [1, 1], id="too-large-to-be-with-others"),
    ],
)
def test_texts_go_in_parts(bytes_each: int, count: int, expected: list[int]) -> None:
    text = "é" * (bytes_each // 2) if bytes_each > 1 else "x"
    memories = [NewMemory(item=MemoryItem(str(one), text, "rag")) for one in range(count)]
    parts = list(_parts(memories))
    assert [len(part) for part in parts] == expected
    assert [one for part in parts for one in part] == memories
