"""Whatever the readers are given, the error is ours and names the argument."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from strangers import strangers

from mba_integrations import InputError
from mba_integrations.ingest.chunking import chunks
from mba_integrations.ingest.folder import read_folder
from mba_integrations.ingest.git import read_history
from mba_integrations.ingest.json_lines import item_from_mapping, read_json_lines
from mba_integrations.ingest.messages import items_from_messages, read_messages
from mba_integrations.ingest.reading import parsed_time

VALUES: dict[str, Any] = {
    "nothing": None,
    "truth-value": False,
    "zero": 0,
    "minus-one": -1,
    "digits-5000": 10**5000,
    "fraction": 2.5,
    "nan": float("nan"),
    "text": "3",
    "bytes": b"3",
    "empty": "",
    "nul": "\0",
    "surrogate": "\ud800",
    "list": [1],
    "list-of-lists": [[1]],
    "mapping": {1: 2},
    "object": object(),
    "array": np.array([1, 2]),
    "array-of-no-dimension": np.array(3),
    "one-byte": np.uint8(7),
    "decimal": Decimal("sNaN"),
}


def message(**fields: Any) -> Any:
    return items_from_messages([{"role": "user", "content": "hi", **fields}], source="s")


def call(**function: Any) -> Any:
    return message(role="assistant", tool_calls=[{"id": "1", "function": function}])


PLACES: dict[str, Callable[[Any], Any]] = {
    "chunks.text": lambda value: chunks(value, path="a.md"),
    "chunks.path": lambda value: chunks("a", path=value),
    "chunks.max_chars": lambda value: chunks("# A\n\n" + "word " * 900, path="", max_chars=value),
    "folder": read_folder,
    "folder.tier_of": lambda value: read_folder(".", tier_of=value),
    "folder.tier": lambda value: read_folder(".", tier_of=lambda path: value),
    "folder.max_chars": lambda value: read_folder(".", max_chars=value),
    "folder.max_file_bytes": lambda value: read_folder(".", max_file_bytes=value),
    "folder.max_files": lambda value: read_folder(".", max_files=value),
    "folder.prefix": lambda value: read_folder(".", prefix=value),
    "folder.track": lambda value: read_folder(".", track=value),
    "history": read_history,
    "history.max_commits": lambda value: read_history(".", max_commits=value),
    "json": read_json_lines,
    "json.object": item_from_mapping,
    "json.created_at": lambda value: item_from_mapping(
        {"id": "a", "content": "a", "tier": "rag", "created_at": value}
    ),
    "messages.file": read_messages,
    "messages": lambda value: items_from_messages(value, source="s"),
    "messages.source": lambda value: items_from_messages([], source=value),
    "message": lambda value: items_from_messages([value], source="s"),
    "message.role": lambda value: message(role=value),
    "message.content": lambda value: message(content=value),
    "message.part": lambda value: message(content=[value]),
    "message.part-text": lambda value: message(content=[{"type": "text", "text": value}]),
    "message.created_at": lambda value: message(created_at=value),
    "message.name": lambda value: message(role="function", name=value),
    "message.tool_calls": lambda value: message(tool_calls=value),
    "message.tool_call": lambda value: message(tool_calls=[value]),
    "message.call-name": lambda value: call(name=value, arguments="{}"),
    "message.call-arguments": lambda value: call(name="f", arguments=value),
    "message.function_call": lambda value: message(function_call={"name": value}),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "a.md").write_text("# A\n\n" + "word " * 900, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.usefixtures("folder")
def test_no_value_of_any_argument_gives_an_error_of_somebody_else(place: str) -> None:
    assert not strangers(PLACES[place], VALUES)


@pytest.mark.parametrize("max_chars", [0, False, -1, 10**30, 1.5, "9", None], ids=repr)
@pytest.mark.usefixtures("folder")
def test_a_length_of_no_characters_is_refused_before_anything_is_cut(max_chars: Any) -> None:
    for use in (lambda: chunks("a b", path="a.md", max_chars=max_chars),
                lambda: read_folder(".", max_chars=max_chars)):  # fmt: skip
        with pytest.raises(InputError, match=r"^max_chars must be "):
            use()


def test_a_number_of_numpy_cuts_like_pythons_own() -> None:
    text = "word " * 900  # longer than a number of one byte can say
    found = chunks(text, path="a.md", max_chars=np.uint8(100))  # type: ignore[arg-type]
    assert found == chunks(text, path="a.md", max_chars=100)


def test_a_folder_is_told_from_a_file_and_from_nothing(folder: Path) -> None:
    with pytest.raises(InputError, match=r"a\.md: is a file, not a folder\.$"):
        read_folder(folder / "a.md")
    with pytest.raises(InputError, match=r"missing: does not exist\.$"):
        read_folder(folder / "missing")
    with pytest.raises(InputError, match=r"cannot be read: File name too long\.$"):
        read_folder("x" * 5000)


def test_a_folder_that_links_to_itself_has_no_history(folder: Path) -> None:
    (folder / "loop").symlink_to("loop")
    with pytest.raises(InputError, match=r"loop: not a folder\.$"):
        read_history(folder / "loop")


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        pytest.param(True, "must be ISO 8601 text or a unix time", id="truth-value"),
        pytest.param([], "must be ISO 8601 text or a unix time", id="list"),
        pytest.param(10**400, "lies outside the calendar", id="long"),
        pytest.param(-1e18, "lies outside the calendar", id="before-the-calendar"),
        pytest.param("June", "Invalid isoformat string", id="word"),
    ],
)
def test_what_is_no_time_says_why(value: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        parsed_time(value)


@pytest.mark.parametrize("key", [3, None, b"id", ("id",), "k" * 10**6], ids=type)
def test_a_key_that_is_no_field_is_shown_in_short(key: Any) -> None:
    with pytest.raises(InputError, match=r"^unknown field .{1,80}\. Put it under 'metadata'\.$"):
        item_from_mapping({key: 1})


def test_arguments_of_a_call_are_named_by_the_place_of_the_message() -> None:
    with pytest.raises(InputError, match=r"^s: message 0: the arguments of a call are not JSON: "):
        call(name="f", arguments={"at": object()})
