from __future__ import annotations

import copy
import math
import pickle
from datetime import UTC, datetime

import numpy as np
import pytest

from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier, items_of_columns


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"id": ""}, "item id must be a text that is not empty", id="empty-id"),
        pytest.param({"id": 7}, "item id must be a text that is not empty", id="id-no-text"),
        pytest.param({"content": ""}, "content is empty. Leave the item out.", id="empty-content"),
        pytest.param({"content": None}, "content must be a text, got NoneType", id="no-content"),
        pytest.param(
            {"tier": "warm"},
            "tier must be one of working, project, long_term, rag, got 'warm'",
            id="unknown-tier",
        ),
        pytest.param({"relevance": 1.1}, "relevance must be in [0, 1], got 1.1", id="over-one"),
        pytest.param({"relevance": -0.1}, "Rescale it to [0, 1]", id="under-zero"),
        pytest.param({"relevance": math.nan}, "It is not finite", id="nan"),
        pytest.param({"importance": math.inf}, "It is not finite", id="infinite"),
        pytest.param({"importance": None}, "importance must be a number", id="no-importance"),
        pytest.param({"importance": True}, "importance must be a number", id="bool"),
        pytest.param({"created_at": "2026-01-01"}, "datetime.fromisoformat()", id="text-as-time"),
        pytest.param({"access_count": -1}, "access_count must be an integer >= 0", id="count"),
        pytest.param({"position": math.nan}, "position must be finite", id="position"),
        pytest.param({"group": 3}, "group must be a text or None", id="group"),
        pytest.param({"embedding": [[1.0]]}, "array of shape (1, 1)", id="matrix"),
        pytest.param({"embedding": ["a"]}, "not a list of numbers", id="text-in-embedding"),
    ],
)
def test_a_bad_value_is_refused_by_name(fields: dict[str, object], message: str) -> None:
    values = {"id": "m", "content": "text", "tier": "rag", **fields}
    with pytest.raises(InputError) as caught:
        MemoryItem(**values)
    assert message in str(caught.value)


def test_a_tier_may_be_given_by_name() -> None:
    assert MemoryItem("m", "text", "long_term").tier is MemoryTier.LONG_TERM


def test_what_is_handed_in_is_copied() -> None:
    vector, metadata = np.ones(3), {"role": "user"}
    item = MemoryItem("m", "text", "rag", embedding=vector, metadata=metadata)
    vector[0], metadata["role"] = 9.0, "changed"
    assert item.embedding is not None
    assert item.embedding.tolist() == [1.0, 1.0, 1.0]
    assert item.metadata["role"] == "user"
    with pytest.raises(ValueError, match="read-only"):
        item.embedding[0] = 2.0


def test_an_item_is_frozen_and_survives_pickle_and_copy() -> None:
    item = MemoryItem(
        "m", "text", "rag", created_at=datetime(2026, 1, 1, tzinfo=UTC), embedding=[0.5, 1.0]
    )
    for twin in (pickle.loads(pickle.dumps(item)), copy.deepcopy(item), copy.copy(item)):
        assert twin == item
        assert hash(twin) == hash(item)
        np.testing.assert_array_equal(twin.embedding, item.embedding)
    with pytest.raises(AttributeError):
        item.content = "other"  # type: ignore[misc]


def test_optional_fields_go_by_name() -> None:
    with pytest.raises(TypeError):
        MemoryItem("m", "text", "rag", 0.5)  # type: ignore[misc]


def test_items_of_columns_are_those_that_are_made_one_by_one() -> None:
    vector = np.ones(3, dtype=np.float32)
    vector.flags.writeable = False
    made = [
        MemoryItem(
            "a", "Kate skis.", "rag", importance=0.7, pinned=True, metadata={"role": "user"}
        ),
        MemoryItem("b", "Oslo.", "working", created_at=datetime.now(UTC), embedding=vector),
    ]
    named = ("id", "content", "tier", "importance", "created_at", "pinned", "embedding", "metadata")
    columns = {name: [getattr(item, name) for item in made] for name in named}
    items = items_of_columns(2, columns)
    assert items == made
    assert [item.metadata for item in items] == [{"role": "user"}, {}]
    assert items[1].embedding is made[1].embedding
    assert items[0].embedding is None
    assert copy.deepcopy(items) == made
