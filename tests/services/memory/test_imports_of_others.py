"""Files of other memory stores as memories."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.memory.transfer.documents import read_chat, read_markdown_folder
from mba_integrations.services.memory.transfer.imported import fitting_name
from mba_integrations.services.memory.transfer.langgraph_store import read_langgraph_store
from mba_integrations.services.memory.transfer.mcp_memory import read_mcp_memory
from mba_integrations.services.memory.transfer.mem0 import read_mem0

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
MEM0 = {
    "id": "m1",
    "memory": "Kate likes skiing.",
    "user_id": "kate",
    "run_id": "run-7",
    "agent_id": "travel",
    "categories": ["sport"],
    "metadata": {"season": "winter"},
    "created_at": "2026-03-01T12:00:00-08:00",
    "expiration_date": "2026-11-01",
}


def written(path: Path, *values: Any) -> Path:
    file = path / "exported.json"
    file.write_text("\n".join(json.dumps(value) for value in values), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"results": [MEM0]}, id="results"),
        pytest.param({"memories": [MEM0]}, id="memories"),
        pytest.param([MEM0], id="array"),
        pytest.param(MEM0, id="line"),
    ],
)
def test_mem0_memory_keeps_user_run_tags_and_times(tmp_path: Path, value: Any) -> None:
    [memory] = read_mem0(written(tmp_path, value)).memories
    assert (memory.item.id, memory.item.content) == ("m1", "Kate likes skiing.")
    assert memory.item.tier is MemoryTier.LONG_TERM
    assert (memory.subject, memory.item.source, memory.tags) == ("kate", "run-7", ("sport",))
    assert memory.item.metadata == {"agent_id": "travel", "season": "winter"}
    assert memory.item.created_at == datetime(2026, 3, 1, 20, tzinfo=UTC)
    assert memory.expires_at == datetime(2026, 11, 2, tzinfo=UTC)


def test_mem0_memory_without_text_is_counted(tmp_path: Path) -> None:
    found = read_mem0(written(tmp_path, [{**MEM0, "memory": " "}, MEM0]))
    assert len(found.memories) == 1
    assert "1 memories without text" in found.notes[0]


def test_langgraph_item_keeps_namespace_and_key(tmp_path: Path) -> None:
    item = {
        "namespace": ["kate", "facts"],
        "key": "k1",
        "value": {"text": "Kate skis.", "tier": "project", "mood": "good"},
        "created_at": "2026-03-01T12:00:00",
    }
    [memory] = read_langgraph_store(written(tmp_path, item), now=NOW).memories
    assert (memory.item.id, memory.item.source) == ("kate/facts/k1", "kate/facts")
    assert memory.item.tier is MemoryTier.PROJECT
    assert memory.item.metadata == {"mood": "good"}
    assert memory.item.created_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_langgraph_item_without_a_text_field_comes_in_as_json(tmp_path: Path) -> None:
    item = {"namespace": "kate", "key": "k1", "value": {"likes": "skiing"}}
    [memory] = read_langgraph_store(written(tmp_path, item), now=NOW).memories
    assert memory.item.content == '{"likes": "skiing"}'


def test_langgraph_item_that_has_expired_is_left_out(tmp_path: Path) -> None:
    item = {"namespace": [], "key": "k", "value": {"text": "x"}, "expires_at": "2026-05-01"}
    found = read_langgraph_store(written(tmp_path, item), now=NOW)
    assert not found.memories
    assert "1 items that have expired" in found.notes[0]


def test_mcp_graph_becomes_a_memory_for_each_observation_and_relation(tmp_path: Path) -> None:
    entity = {
        "type": "entity",
        "name": "Kate",
        "entityType": "person",
        "observations": ["likes skiing", "lives in Oslo"],
    }
    bare = {"type": "entity", "name": "Acme", "entityType": "company", "observations": []}
    relation = {"type": "relation", "from": "Kate", "to": "Acme", "relationType": "works_at"}
    found = read_mcp_memory(written(tmp_path, entity, bare, relation, relation))
    assert [one.item.content for one in found.memories] == [
        "Kate (person): likes skiing",
        "Kate (person): lives in Oslo",
        "Acme (company)",
        "Kate works at Acme.",
    ]
    assert {one.item.source for one in found.memories} == {"Kate", "Acme"}
    assert len({one.item.id for one in found.memories}) == 4
    assert "1 repetitions" in found.notes[0]


def test_ids_of_an_mcp_graph_are_the_same_each_time(tmp_path: Path) -> None:
    path = written(tmp_path, {"type": "entity", "name": "K", "observations": ["a", "b"]})
    assert read_mcp_memory(path) == read_mcp_memory(path)


def test_only_markdown_of_a_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("# Oslo\n\nKate lives there.", encoding="utf-8")
    (tmp_path / "code.py").write_text("print()", encoding="utf-8")
    found = read_markdown_folder(tmp_path)
    assert {one.item.source for one in found.memories} == {"notes.md"}
    assert {one.item.tier for one in found.memories} == {MemoryTier.PROJECT}


def test_a_tool_call_and_its_result_are_one_group_and_nothing_is_pinned(tmp_path: Path) -> None:
    call = {"id": "c1", "function": {"name": "weather", "arguments": "{}"}}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "Snow."},
    ]
    found = read_chat(written(tmp_path, messages), subject="kate")
    groups = [one.item.group for one in found.memories]
    assert groups[1] is not None
    assert groups == [None, groups[1], groups[1]]
    assert found.notes == ("1 system messages are instructions, and left out.",)
    assert not any(one.item.pinned for one in found.memories)
    assert {one.subject for one in found.memories} == {"kate"}


@pytest.mark.parametrize(
    ("read", "value", "said"),
    [
        pytest.param(read_mem0, 3, "must be an object", id="mem0-number"),
        pytest.param(
            read_mem0, {**MEM0, "created_at": "soon"}, "created_at is not a time", id="mem0-time"
        ),
        pytest.param(read_mcp_memory, {"type": "thing"}, "entity or relation", id="mcp-type"),
        pytest.param(read_mcp_memory, {"type": "entity"}, "name must be", id="mcp-name"),
        pytest.param(
            lambda path: read_langgraph_store(path, now=NOW),
            {"namespace": [1], "key": "k", "value": {}},
            "namespace must be",
            id="langgraph-namespace",
        ),
        pytest.param(
            lambda path: read_langgraph_store(path, now=NOW),
            {"namespace": [], "value": {}},
            "key must be",
            id="langgraph-key",
        ),
    ],
)
def test_what_is_no_such_export_is_refused_with_its_line(
    tmp_path: Path, read: Any, value: Any, said: str
) -> None:
    with pytest.raises(InputError, match=rf"exported\.json:1.*{said}"):
        read(written(tmp_path, value))


def test_long_names_are_cut_and_stay_different() -> None:
    long, other = "x" * 600, "x" * 599 + "y"
    assert len(fitting_name(long)) == 512
    assert fitting_name(long) != fitting_name(other)
