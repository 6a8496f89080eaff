"""Inputs of the command line, read together: order, notes, the question, what is refused."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from mba_integrations import InputError
from mba_integrations.commands.arguments.inputs import Gathering, Inputs


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        note = {"id": name, "content": f"Note {name}.", "tier": "rag"}
        Path(f"{name}.jsonl").write_text(json.dumps(note))
        chat = [
            {"role": "user", "content": f"Asked in {name}?"},
            {"role": "assistant", "content": "Answered."},
        ]
        Path(f"{name}.json").write_text(json.dumps(chat))
    Path("docs").mkdir()
    Path("docs/page.md").write_text("# Page\n\ntext")
    Path("docs/picture.png").write_bytes(b"\x89PNG")
    Path("mute.json").write_text(json.dumps([{"role": "assistant", "content": "Hello."}]))
    Path("nothing.jsonl").write_text("\n\n")
    return tmp_path


def read(**named: Any) -> Gathering:
    none = {"memories": None, "messages": None, "folders": None, "pin_last_user": True}
    return Inputs(**{**none, **named}).read()


def ids(gathering: Gathering) -> list[str]:
    return [item.id for item in gathering.items]


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        pytest.param({"memories": ["two.jsonl", "one.jsonl"]}, ["two", "one"], id="as-named"),
        pytest.param({"messages": ["one.json"]}, ["one.json#0", "one.json#1"], id="messages"),
        pytest.param({"folders": [Path("docs")]}, ["docs/page.md#0"], id="folder"),
        pytest.param(
            {"folders": [Path("docs")], "messages": ["one.json"], "memories": ["one.jsonl"]},
            ["one", "one.json#0", "one.json#1", "docs/page.md#0"],
            id="memories-then-messages-then-folders",
        ),
        pytest.param(
            {"memories": ["nothing.jsonl", "one.jsonl"]}, ["one"], id="an-empty-file-beside-another"
        ),
    ],
)
def test_items_stand_in_the_order_of_the_inputs(
    folder: Path, named: dict[str, Any], expected: list[str]
) -> None:
    assert ids(read(**named)) == expected


def test_the_notes_of_all_inputs_are_kept(folder: Path) -> None:
    Path("odd.json").write_text(
        json.dumps(
            [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]},
                {"role": "user", "content": "Hi"},
            ]
        )
    )
    notes = read(messages=["odd.json"], folders=[Path("docs")]).notes
    assert any("odd.json" in note for note in notes)
    assert any("picture.png" in note for note in notes)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param(["one.json"], "Asked in one?", id="one-file"),
        pytest.param(["one.json", "two.json"], "Asked in two?", id="the-last-file-wins"),
        pytest.param(["one.json", "mute.json"], "Asked in one?", id="a-file-without-a-user"),
        pytest.param(["mute.json"], None, id="no-user-at-all"),
    ],
)
def test_the_last_message_of_a_user_is_the_question(
    folder: Path, messages: list[str], expected: str | None
) -> None:
    assert read(messages=messages).last_question == expected


@pytest.mark.parametrize(("pin", "pinned"), [(True, ["one.json#0"]), (False, [])])
def test_the_last_message_of_the_user_is_pinned_if_asked(
    folder: Path, pin: bool, pinned: list[str]
) -> None:
    found = read(messages=["one.json"], pin_last_user=pin)
    assert [item.id for item in found.items if item.pinned] == pinned


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param(None, "Asked in one?", id="none-is-given"),
        pytest.param("Mine?", "Mine?", id="one-is-given"),
        pytest.param("", "", id="an-empty-one-is-one"),
    ],
)
def test_a_query_that_is_given_wins(folder: Path, query: str | None, expected: str) -> None:
    assert read(messages=["one.json"]).asked(query) == expected


def test_without_query_and_user_a_query_is_asked_for(folder: Path) -> None:
    with pytest.raises(typer.BadParameter, match="--query is needed"):
        read(memories=["one.jsonl"]).asked(None)


@pytest.mark.parametrize(
    "named",
    [
        pytest.param({}, id="none"),
        pytest.param({"memories": [], "messages": [], "folders": []}, id="empty-lists"),
    ],
)
def test_no_input_is_wrong_usage(named: dict[str, Any]) -> None:
    with pytest.raises(typer.BadParameter, match="--memories, --messages, --folder"):
        read(**named)


@pytest.mark.parametrize(
    "named",
    [
        pytest.param({"memories": ["-", "-"]}, id="two-memories"),
        pytest.param({"messages": ["-", "-"]}, id="two-messages"),
        pytest.param({"memories": ["-"], "messages": ["-"]}, id="one-of-each"),
    ],
)
def test_standard_input_is_read_once_only(
    named: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    unread = io.TextIOWrapper(io.BytesIO(b"never read"))
    monkeypatch.setattr(sys, "stdin", unread)
    with pytest.raises(typer.BadParameter, match="once only"):
        read(**named)
    assert unread.buffer.tell() == 0


@pytest.mark.parametrize(
    ("named", "problem"),
    [
        pytest.param({"memories": ["nothing.jsonl"]}, "hold no memory items", id="nothing-in-it"),
        pytest.param({"memories": ["none.jsonl"]}, "none.jsonl: cannot be read", id="no-file"),
        pytest.param({"memories": ["docs"]}, "docs: cannot be read", id="a-folder-as-a-file"),
        pytest.param({"messages": ["one.jsonl"]}, "one.jsonl", id="memories-as-messages"),
        pytest.param({"memories": ["one.json"]}, "unknown field 'role'", id="messages-as-memories"),
        pytest.param({"folders": [Path("none")]}, "none: does not exist", id="no-folder"),
    ],
)
def test_an_input_that_cannot_be_used_is_named(
    folder: Path, named: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        read(**named)
