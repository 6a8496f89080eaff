"""Requests become what the service takes, and what is none is refused with the place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from mba_integrations.services.contracts.filters import FilterBody
from mba_integrations.services.contracts.memories import RememberBody
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.store.rows.memories import MemoryFilter

NOW = datetime(2026, 6, 1, tzinfo=UTC)
GIVEN = {
    "memories": [
        "Kate skis.",
        {"role": "user", "content": [{"type": "text", "text": "Hi"}], "name": "Kate"},
        {
            **{"content": "Kate moved.", "tier": "project", "pinned": True, "tags": ["home"]},
            **{"subject": "kate", "event_at": "2026-03-01T00:00:00Z", "metadata": {"a": 1}},
        },
    ]
}


def test_texts_messages_and_memories_stand_in_one_list() -> None:
    text, message, memory = RememberBody.model_validate(GIVEN).to_memories(NOW)
    assert text == "Kate skis."
    assert message == GIVEN["memories"][1]
    assert isinstance(memory, NewMemory)
    assert (memory.item.tier, memory.item.pinned, memory.tags) == ("project", True, ("home",))
    assert memory.event_at == datetime(2026, 3, 1, tzinfo=UTC)


def test_ids_of_a_named_request_are_the_same_when_it_comes_again() -> None:
    def ids(key: str | None) -> list[str]:
        body = RememberBody(memories=[{"content": "a"}, {"content": "a"}])
        return [one.item.id for one in body.to_memories(NOW, key) if isinstance(one, NewMemory)]

    assert ids("k") == ids("k")
    assert len({*ids("k"), *ids("other"), *ids(None), *ids(None)}) == 8


@pytest.mark.parametrize(
    ("memory", "place"),
    [
        pytest.param({"content": "a", "importance": "0.5"}, "importance", id="text-for-number"),
        pytest.param({"content": "a", "importance": float("nan")}, "importance", id="no-number"),
        pytest.param({"content": "a", "pinned": 1}, "pinned", id="number-for-truth"),
        pytest.param({"content": "a", "event_at": 5}, "event_at", id="number-for-time"),
        pytest.param({"content": "a", "event_at": "2026-03-01T00:00"}, "event_at", id="no-zone"),
        pytest.param({"content": "a", "priority": 1}, "priority", id="unknown-field"),
        pytest.param({"content": ""}, "content", id="empty"),
        pytest.param({}, "content", id="nothing"),
        pytest.param({"role": 1, "content": "a"}, "role", id="role-is-no-text"),
    ],
)
def test_a_field_that_is_wrong_is_named(memory: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as refused:
        RememberBody.model_validate({"memories": [memory]})
    assert {error["loc"][-1] for error in refused.value.errors()} == {place}


def test_a_filter_that_says_nothing_is_that_of_all_active_memories() -> None:
    assert FilterBody().to_filter() == MemoryFilter()
    some = FilterBody(tiers=["rag"], tags=["a", "b"], metadata={"n": 1}, pinned=False)
    assert some.to_filter() == MemoryFilter(
        tiers=frozenset({"rag"}), tags=frozenset({"a", "b"}), metadata={"n": 1}, pinned=False
    )
