"""What may be remembered, and the one error for what may not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.services.memory.new_memory import (
    CLOCK_TOLERANCE,
    MOST_TEXT_BYTES,
    NewMemory,
    checked_memory,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ITEM = MemoryItem("m1", "Kate skis.", "project")


def deep(levels: int) -> dict[str, Any]:
    return {"in": deep(levels - 1)} if levels > 1 else {}


@pytest.mark.parametrize(
    ("item", "fields", "said"),
    [
        pytest.param({"content": " \n"}, {}, "the text is empty", id="blank"),
        pytest.param({"content": "é" * 131_073}, {}, "262,146 bytes, at most 262,144", id="large"),
        pytest.param({"content": "a\0b"}, {}, "NUL", id="nul"),
        pytest.param({"content": "a\ud800"}, {}, "U[+]D800", id="surrogate"),
        pytest.param({"id": "x" * 513}, {}, "id has 513 characters", id="long-id"),
        pytest.param({"source": ""}, {}, "source must be a text that is not empty", id="source"),
        pytest.param({"metadata": {"a": object()}}, {}, "metadata is not JSON", id="metadata"),
        pytest.param({"metadata": {"a": float("nan")}}, {}, "metadata is not JSON", id="nan"),
        pytest.param({"metadata": {"a": "x" * 17_000}}, {}, "at most 16,384", id="much-metadata"),
        pytest.param({"metadata": deep(6)}, {}, "deeper than 5", id="deep-metadata"),
        pytest.param({"created_at": datetime(2026, 1, 1)}, {}, "created_at has no time zone"),
        pytest.param(
            {"created_at": NOW + timedelta(hours=1)}, {}, "created_at lies 1:00:00 in the future"
        ),
        pytest.param(
            {"last_accessed_at": NOW + timedelta(days=1)}, {}, "last_accessed_at lies 1 day"
        ),
        pytest.param({}, {"expires_at": datetime(2027, 1, 1)}, "expires_at has no time zone"),
        pytest.param({}, {"event_at": "soon"}, "event_at must be a datetime or None, got str"),
        pytest.param({}, {"subject": 3}, "subject must be a text", id="subject"),
        pytest.param({}, {"tags": ["a", ""]}, "a tag must be a text", id="tag"),
        pytest.param({}, {"tags": [str(n) for n in range(65)]}, "has 65 tags", id="many-tags"),
    ],
)
def test_what_the_store_cannot_keep_is_refused_with_its_name(
    item: dict[str, Any], fields: dict[str, Any], said: str
) -> None:
    memory = NewMemory(item=replace(ITEM, **item), **fields)
    with pytest.raises(InputError, match=f"^memory '(m1|x+.*).*{said}"):
        checked_memory(memory, now=NOW)


def test_the_largest_text_and_the_latest_time_are_kept() -> None:
    item = replace(ITEM, content="x" * MOST_TEXT_BYTES, created_at=NOW + CLOCK_TOLERANCE)
    assert checked_memory(NewMemory(item=item), now=NOW).item == item


def test_a_memory_without_a_time_has_that_of_the_write() -> None:
    assert checked_memory(NewMemory(item=ITEM), now=NOW).item.created_at == NOW


def test_tags_are_a_list_of_different_texts() -> None:
    assert NewMemory(item=ITEM, tags=["a", "b", "a"]).tags == ("a", "b")
    with pytest.raises(InputError, match="tags must be a list"):
        NewMemory(item=ITEM, tags="ab")


def test_a_memory_is_made_of_an_item() -> None:
    with pytest.raises(InputError, match="must be a MemoryItem, got str"):
        NewMemory(item="Kate skis.")
