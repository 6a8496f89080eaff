"""Reading JSON, chats and folders into items."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier
from mba_integrations.ingest.folder import read_folder
from mba_integrations.ingest.json_lines import read_json_lines
from mba_integrations.ingest.json_records import json_records
from mba_integrations.ingest.messages import items_from_messages, last_user_text, read_messages
from mba_integrations.ingest.reading import parsed_time

GOOD = {"id": "a", "content": "Kate skis.", "tier": "project"}


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# JSON lines


def test_every_field_of_an_item_is_read(tmp_path: Path) -> None:
    line = {
        **GOOD,
        "relevance": 0.5,
        "importance": 1,
        "created_at": "2026-03-01T12:00:00Z",
        "last_accessed_at": 1772366400,
        "access_count": 3,
        "source": "notes",
        "position": 2,
        "group": "g",
        "pinned": True,
        "embedding": [0.0, 1.0],
        "metadata": {"role": "user"},
    }
    (item,) = read_json_lines(written(tmp_path, "m.jsonl", json.dumps(line))).items
    assert item.created_at == item.last_accessed_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert (item.tier, item.pinned, item.position) == (MemoryTier.PROJECT, True, 2)
    assert item.embedding is not None
    assert item.embedding.tolist() == [0.0, 1.0]
    assert item.metadata == {"role": "user"}


def test_blank_lines_a_byte_order_mark_and_windows_line_ends_are_no_trouble(tmp_path: Path) -> None:
    text = "\ufeff" + json.dumps(GOOD) + "\r\n\r\n" + json.dumps({**GOOD, "id": "b"}) + "\r\n"
    read = read_json_lines(written(tmp_path, "m.jsonl", text))
    assert [item.id for item in read.items] == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        pytest.param("{", "not JSON", id="cut-short"),
        pytest.param("[", "not JSON", id="array-of-several-lines"),
        pytest.param("[1]", "must be an object with id, content, tier, got an array", id="array"),
        pytest.param('{"id": "x", "content": "y"}', "field 'tier' is missing", id="field-missing"),
        pytest.param(
            json.dumps({**GOOD, "id": "x", "importence": 1}),
            "unknown field 'importence'; the nearest known one is 'importance'",
            id="misspelt-field",
        ),
        pytest.param(
            json.dumps({**GOOD, "id": "x", "colour": 1}),
            "unknown field 'colour'. Put it under 'metadata'",
            id="foreign-field",
        ),
        pytest.param(
            json.dumps({**GOOD, "id": "x", "importance": 2}), "importance must be in", id="range"
        ),
        pytest.param(
            '{"id": "x", "content": "y", "tier": "rag", "relevance": NaN}', "0, 1", id="nan"
        ),
        pytest.param(
            json.dumps({**GOOD, "id": "x", "created_at": "soon"}),
            "created_at is not a time",
            id="time",
        ),
        pytest.param(
            json.dumps({**GOOD, "id": "x", "created_at": 1e300}),
            "outside the calendar",
            id="far-time",
        ),
        pytest.param(
            json.dumps({**GOOD, "id": "x", "metadata": []}),
            "metadata must be an object",
            id="metadata",
        ),
        pytest.param(
            json.dumps({**GOOD, "id": "x", "pinned": "no"}),
            "pinned must be true or false",
            id="pin",
        ),
        pytest.param(
            json.dumps({**GOOD, "id": "x", "position": "first"}),
            "item 'x': position must be finite, got 'first'.",
            id="wrong-type",
        ),
        pytest.param(json.dumps(GOOD), "id 'a' is on line 1 already", id="duplicate"),
        pytest.param("[" * 100_000, "not JSON", id="deep"),
        pytest.param(
            json.dumps({**GOOD, "id": "x", "content": ""}), "content is empty", id="empty"
        ),
    ],
)
def test_bad_line_is_named_with_file_line_and_rule(tmp_path: Path, line: str, problem: str) -> None:
    path = written(tmp_path, "m.jsonl", json.dumps(GOOD) + "\n" + line + "\n")
    with pytest.raises(InputError) as caught:
        read_json_lines(path)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert problem in str(caught.value)


def test_bytes_that_are_not_utf8_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, "m.jsonl", b'{"id": "\xff"}')
    with pytest.raises(InputError, match=r"m\.jsonl:1: not UTF-8: byte 0xff at offset 8"):
        read_json_lines(path)


def test_all_bad_lines_are_counted_and_the_first_five_listed(tmp_path: Path) -> None:
    path = written(tmp_path, "m.jsonl", "\n".join(["{}"] * 7))
    with pytest.raises(InputError) as caught:
        read_json_lines(path)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"7 bad lines in {path}:"
    assert len(lines) == 7
    assert lines[-1].strip() == "and 2 more"


def test_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_json_lines(tmp_path / "none.jsonl")


@pytest.mark.parametrize("value", [True, None, [], "soon", float("nan"), float("inf")])
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parsed_time(value)


def test_milliseconds_and_seconds_give_one_time() -> None:
    assert parsed_time(1772366400) == parsed_time(1772366400000)


# JSON arrays


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(json.dumps([GOOD, {**GOOD, "id": "b"}]), id="on-one-line"),
        pytest.param(json.dumps([GOOD, {**GOOD, "id": "b"}], indent=2), id="on-many-lines"),
        pytest.param("\ufeff \n" + json.dumps([GOOD, {**GOOD, "id": "b"}]), id="byte-order-mark"),
        pytest.param(
            "[\r\n" + json.dumps(GOOD) + "\r\n,\r\n" + json.dumps({**GOOD, "id": "b"}) + "\r\n]",
            id="windows-line-ends",
        ),
    ],
)
def test_memories_of_an_array_are_read(tmp_path: Path, text: str) -> None:
    read = read_json_lines(written(tmp_path, "m.json", text))
    assert [item.id for item in read.items] == ["a", "b"]


@pytest.mark.parametrize("text", ["[]", " [ ]\n", "", "\n"])
def test_no_memories_are_no_items(tmp_path: Path, text: str) -> None:
    assert read_json_lines(written(tmp_path, "m.json", text)).items == ()


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        pytest.param('[\n{"id": 3}\n]', 2, "field 'content' is missing", id="element"),
        pytest.param("[\n\n3\n]", 3, "must be an object", id="number"),
        pytest.param("[\n3", 2, "must be an object", id="number-then-no-end"),
        pytest.param("[" + json.dumps(GOOD) + "\n", 2, "no end", id="no-end"),
        pytest.param(json.dumps([GOOD]) + "\n{}", 1, "something follows", id="rest"),
        pytest.param(
            "[" + json.dumps(GOOD) + "\n" + json.dumps(GOOD) + "]", 2, "comma", id="no-comma"
        ),
        pytest.param("[" * 100_000, 1, "not JSON", id="deep"),
        pytest.param("[\n{]", 2, "not JSON", id="broken-object"),
        pytest.param(b'[\n{"id": "\xff"}]', 2, "not UTF-8: byte 0xff", id="not-utf-8"),
    ],
)
def test_bad_element_of_an_array_is_named_with_its_line(
    tmp_path: Path, text: str | bytes, line: int, problem: str
) -> None:
    path = written(tmp_path, "m.json", text)
    with pytest.raises(InputError) as caught:
        read_json_lines(path)
    first = str(caught.value).removeprefix(f"2 bad lines in {path}:\n").lstrip()
    assert first.startswith(f"{path}:{line}: ")
    assert problem in first


VALUES = st.none() | st.text(max_size=5) | st.integers()


@given(
    values=st.lists(st.recursive(VALUES, st.lists, max_leaves=8), max_size=8),
    indent=st.sampled_from([None, 0, 2]),
)
def test_elements_of_an_array_are_what_the_parser_finds(
    values: list[Any], indent: int | None
) -> None:
    found = list(json_records(json.dumps(values, indent=indent).encode()))
    assert [record.value for record in found] == values
    assert all(record.problem is None for record in found)
    lines = [json.dumps({"value": value}).encode() for value in values]
    read = json_records(b"\n".join(lines))
    assert [record.value["value"] for record in read] == values


# Messages

CHAT: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Weather in Oslo?", "timestamp": 1772366400},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}},
            {"id": "c2", "type": "function", "function": {"name": "tides", "arguments": "{}"}},
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "Rain."},
    {"role": "tool", "tool_call_id": "c2", "content": "High."},
    {
        "role": "assistant",
        "content": [{"type": "text", "text": "Rain,"}, {"type": "text", "text": "high"}],
    },
    {"role": "user", "content": "Thanks. And tomorrow?", "name": "Kate"},
]


def test_messages_become_working_memory_and_system_messages_pinned_project_memory() -> None:
    items = items_from_messages(CHAT, source="chat").items
    assert [item.id for item in items] == [f"chat#{place}" for place in range(7)]
    assert [item.tier for item in items] == [MemoryTier.PROJECT] + [MemoryTier.WORKING] * 6
    assert [item.position for item in items] == list(range(7))
    assert [item.pinned for item in items] == [True, *[False] * 5, True]
    assert items[1].created_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert items[6].metadata == {"role": "user", "speaker": "Kate"}


def test_a_call_of_tools_and_its_results_are_one_group() -> None:
    items = items_from_messages(CHAT, source="chat").items
    assert [item.group for item in items] == [None, None, *["chat#2"] * 3, None, None]
    assert items[2].content == "calls weather({})\ncalls tides({})"


def test_calls_and_their_ids_are_in_the_metadata() -> None:
    items = items_from_messages(CHAT, source="chat").items
    called = [dict(item.metadata) for item in items if "tool_calls" in item.metadata]
    answered = [item.metadata["tool_call_id"] for item in items if item.metadata["role"] == "tool"]
    ids = [call["id"] for one in called for call in one["tool_calls"]]
    assert sorted(ids) == sorted(answered) != []


def test_a_function_call_of_the_old_form_and_its_result_are_one_group() -> None:
    chat = [
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "1"}},
        {"role": "function", "name": "f", "content": "2"},
    ]
    assert [item.group for item in items_from_messages(chat, source="c").items] == ["c#0", "c#0"]


def test_text_parts_are_joined_and_other_parts_noted() -> None:
    chat = [
        {"role": "user", "content": [{"type": "text", "text": "See"}, {"type": "image_url"}]},
        {"role": "assistant", "content": ""},
    ]
    read = items_from_messages(chat, source="c")
    assert [item.content for item in read.items] == ["See"]
    assert "1 parts that are no text" in read.notes[1]
    assert "1 messages without text" in read.notes[0]


def test_the_last_user_message_is_pinned_unless_asked_otherwise() -> None:
    items = items_from_messages(CHAT, source="chat", pin_last_user=False).items
    assert [item.id for item in items if item.pinned] == ["chat#0"]
    assert last_user_text(items) == "Thanks. And tomorrow?"
    assert last_user_text(()) is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param("{", r"m\.json:1: not JSON", id="cut-short"),
        pytest.param("3", "must be an array of messages", id="number"),
        pytest.param('{"chat": []}', "an object with 'messages'", id="other-object"),
        pytest.param("[3]", "message 0 must be an object", id="no-object"),
        pytest.param('[{"role": "bot"}]', "message 0: role must be one of", id="role"),
        pytest.param('[{"role": "user", "content": 3}]', "content must be a text or", id="content"),
        pytest.param('[{"role": "user", "content": [3]}]', "a part of content", id="part"),
        pytest.param(
            '[{"role": "user", "content": "x", "timestamp": "soon"}]', "not a time", id="time"
        ),
        pytest.param('[{"role": "assistant", "tool_calls": 3}]', "tool_calls must be", id="calls"),
    ],
)
def test_bad_messages_are_named(tmp_path: Path, content: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        read_messages(written(tmp_path, "m.json", content))


def test_an_object_with_messages_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, "m.json", json.dumps({"model": "gpt-4o", "messages": CHAT}))
    assert len(read_messages(path).items) == 7


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\n".join(json.dumps(message) for message in CHAT), id="one-a-line"),
        pytest.param(
            "\r\n\r\n".join(json.dumps(message) for message in CHAT) + "\r\n", id="blank-lines"
        ),
        pytest.param(json.dumps(CHAT, indent=1), id="array-on-many-lines"),
    ],
)
def test_messages_of_lines_and_of_an_array_are_the_same(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, "chat", text)
    expected = items_from_messages(CHAT, source=str(path)).items
    assert read_messages(path).items == expected


def test_a_file_of_one_message_is_read(tmp_path: Path) -> None:
    (item,) = read_messages(written(tmp_path, "one.jsonl", json.dumps(CHAT[1]))).items
    assert item.content == "Weather in Oslo?"


def test_a_bad_line_of_messages_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "chat.jsonl", json.dumps(CHAT[0]) + "\n{")
    with pytest.raises(InputError, match=r"chat\.jsonl:2: not JSON"):
        read_messages(path)


# Folders


def test_folder_files_are_read_in_path_order_with_source_and_position(tmp_path: Path) -> None:
    written(tmp_path, "docs/b.md", "# B1\n\none\n\n# B2\n\ntwo")
    written(tmp_path, "docs/a.txt", "alpha")
    written(tmp_path, "docs/deep/c.py", "x = 1")
    items = read_folder(tmp_path / "docs", prefix="docs").items
    assert [(item.id, item.source, item.position) for item in items] == [
        ("docs/a.txt#0", "docs/a.txt", 0.0),
        ("docs/b.md#0", "docs/b.md", 0.0),
        ("docs/b.md#1", "docs/b.md", 1.0),
        ("docs/deep/c.py#0", "docs/deep/c.py", 0.0),
    ]
    assert {item.tier for item in items} == {MemoryTier.RAG}


def test_what_is_left_out_of_a_folder_is_counted(tmp_path: Path) -> None:
    written(tmp_path, "a.md", "text")
    written(tmp_path, ".env", "secret")
    written(tmp_path, ".hidden/a.md", "secret")
    written(tmp_path, "node_modules/a.js", "secret")
    written(tmp_path, "photo.jpg", "x")
    written(tmp_path, "binary.txt", b"a\0b")
    written(tmp_path, "latin.txt", b"caf\xe9")
    written(tmp_path, "large.txt", "x" * 2000)
    (tmp_path / "link.md").symlink_to(tmp_path / "a.md")
    read = read_folder(tmp_path, max_file_bytes=1000)
    assert [item.content for item in read.items] == ["text", "café"]
    notes = "\n".join(read.notes)
    for said in (
        "hidden, such as .env",
        "hidden folders, such as .hidden",
        "dependency folders, such as node_modules",
        "symbolic links, such as link.md",
        "not text, Markdown or code by name, such as photo.jpg",
        "binary, such as binary.txt",
        "over 1,000 bytes, such as large.txt (2,000)",
    ):
        assert said in notes
    assert "secret" not in str(read.items)


def test_more_files_than_the_limit_are_noted(tmp_path: Path) -> None:
    for number in range(4):
        written(tmp_path, f"{number}.md", "text")
    read = read_folder(tmp_path, max_files=3)
    assert len(read.items) == 3
    assert "1 left out, over the limit of files, such as 3.md" in read.notes[0]


@pytest.mark.parametrize("name", ["missing", "file.md"])
def test_what_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    written(tmp_path, "file.md", "text")
    with pytest.raises(InputError, match=r"does not exist|is a file, not a folder"):
        read_folder(tmp_path / name)
