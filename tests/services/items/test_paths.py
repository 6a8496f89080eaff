"""Paths name the texts that LangGraph's own function finds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.store.base.embed import get_text_at_path

from mba_integrations.services.items.paths import texts_at

NAMES = st.sampled_from(["a", "b", "c"])
LEAVES = st.one_of(st.sampled_from(["Kate", "", None, True, 0, 2.5]))
VALUES: st.SearchStrategy[Any] = st.dictionaries(
    NAMES,
    st.recursive(
        LEAVES,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)
        ),
        max_leaves=8,
    ),
)
STEPS = st.one_of(NAMES, st.sampled_from(["*", "[0]", "[-1]", "[*]", "[7]", "[x]"]))
IN_BRACES = st.lists(NAMES, min_size=1, max_size=2).map(".".join)
BRACES = st.lists(IN_BRACES, min_size=1, max_size=2).map(lambda names: f"{{{', '.join(names)}}}")
PATHS = st.tuples(st.lists(STEPS, max_size=3), st.one_of(st.none(), BRACES)).map(
    lambda parts: ".".join([*parts[0], *([parts[1]] if parts[1] else [])])
)


@settings(max_examples=100, deadline=None)
@given(value=VALUES, path=PATHS)
def test_a_path_names_what_it_names_to_langgraph(value: Any, path: str) -> None:
    assert texts_at(value, path) == get_text_at_path(value, path)


TRIP = {"title": "Trip", "days": [{"note": name} for name in ("Porto", "Faro", "Beja")], "n": 2}


@pytest.mark.parametrize(
    ("path", "texts"),
    [
        pytest.param("days[*].note", ["Porto", "Faro", "Beja"], id="all-entries"),
        pytest.param("days[-1].note", ["Beja"], id="the-last-entry"),
        pytest.param("days[-3].note", ["Porto"], id="the-third-from-the-end"),
        pytest.param("days[-4].note", [], id="before-the-first"),
        pytest.param("days[3].note", [], id="behind-the-last"),
        pytest.param("{title, n}", ["Trip", "2"], id="several-fields"),
        pytest.param("*", ["Trip", json.dumps(TRIP["days"]), "2"], id="all-fields"),
        pytest.param("title.x", [], id="below-a-text-is-nothing"),
        pytest.param("title[0]", [], id="a-text-has-no-entries"),
        pytest.param("[", [], id="an-open-bracket-names-nothing"),
        pytest.param("", [json.dumps(TRIP, sort_keys=True)], id="nothing-is-the-whole-value"),
        pytest.param("$", [json.dumps(TRIP, sort_keys=True)], id="dollar-is-the-whole-value"),
    ],
)
def test_a_path_names_texts(path: str, texts: list[str]) -> None:
    assert texts_at(TRIP, path) == texts == get_text_at_path(TRIP, path)
