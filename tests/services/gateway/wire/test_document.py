"""Slices of a request: what is not exchanged stays as the client wrote it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations.services.gateway.wire.document import (
    NotJsonError,
    array_of,
    document_of,
    written,
)

PLAIN: st.SearchStrategy[object] = st.sampled_from(
    [None, True, 0, 10**20, -1.5, "", "é\u2028", '"\\', "]}", {}, [], [[1], {"a": 2}]]
)
VALUES = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(st.sampled_from("a{é"), PLAIN)
NAMES = st.sampled_from(["messages", "a", "é", '"', "", "{[", "\\"])
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=4)
STYLES = st.sampled_from([None, 1, "\t"])


@settings(max_examples=50)
@given(OBJECTS, STYLES, st.booleans())
def test_slices_are_the_values_that_stand_there(
    value: dict[str, object], indent: str | int | None, ascii_only: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    document = document_of(text.encode("utf-8", "surrogatepass") if ascii_only else text)
    assert document.value == value
    for name, span in document.members.items():
        assert json.loads(document.slice(span)) == value[name]
    for name, spans in document.elements.items():
        assert [json.loads(document.slice(span)) for span in spans] == value[name]


@settings(max_examples=50)
@given(OBJECTS, STYLES, st.dictionaries(NAMES, VALUES, max_size=3))
def test_exchanged_members_are_exchanged_and_the_others_stay(
    value: dict[str, object], indent: str | int | None, changed: dict[str, object]
) -> None:
    document = document_of(json.dumps(value, indent=indent))
    text = document.with_members({name: written(one) for name, one in changed.items()})
    assert json.loads(text) == {**value, **changed}
    again = document_of(text)
    for name in value.keys() - changed.keys():
        assert again.slice(again.members[name]) == document.slice(document.members[name])


@pytest.mark.parametrize(
    "number", ["1.0", "1e400", "-0", "123456789012345678901234567890", "0.1000000000000000055"]
)
def test_a_number_that_decoding_would_change_stays_as_it_was_written(number: str) -> None:
    document = document_of(f'{{"n": {number}, "b": [ {number} , "\\ud83d"], "c": 1}}')
    assert document.with_members({"c": "2"}) == (
        f'{{"n": {number}, "b": [ {number} , "\\ud83d"], "c": 2}}'
    )
    assert array_of([document.element("b", 1), document.element("b", 0)]) == f'["\\ud83d",{number}]'


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="a-list"),
        pytest.param(b'{"a": 1', id="cut"),
        pytest.param(b'{"a": 1} {}', id="two-objects"),
        pytest.param(b'{"a": 1, "a": 2}', id="a-name-twice"),
        pytest.param(b'{"a": 1 "b": 2}', id="no-comma"),
        pytest.param(b'{"a": 1,}', id="a-comma-too-many"),
        pytest.param(b"{1: 1}", id="a-name-that-is-no-text"),
        pytest.param(b'{"a": [1,]}', id="a-comma-too-many-in-a-list"),
        pytest.param(b'\xff\xfe{"a": 1}', id="no-utf-8"),
        pytest.param(b'\xef\xbb\xbf{"a": 1}', id="a-byte-order-mark"),
        pytest.param(b'{"a": ' + b"[" * 100_000 + b"}", id="nested-too-deeply"),
        pytest.param(b'{"a": ' + b"9" * 5_000 + b"}", id="an-integer-too-large-to-read"),
    ],
)
def test_what_is_no_object_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(NotJsonError):
        document_of(body)
