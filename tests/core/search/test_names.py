"""Names in a text, and which texts have all words of one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.search.lexical import LexicalIndex
from mba_integrations.core.search.words.names import names_in


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("we met Ada Blom there", ["Ada Blom"], id="two-words"),
        pytest.param("in Oslo. Ada left", ["Oslo", "Ada"], id="a-full-stop-ends-a-name"),
        pytest.param("by J. R. Blom", ["J. R. Blom", "J. R.", "R. Blom"], id="initials"),
        pytest.param("Oslo and Oslo", ["Oslo"], id="each-once"),
        pytest.param("Ängby’s Café", ["Ängby’s Café"], id="other-letters"),
        pytest.param("no name 42 _x", [], id="none"),
        pytest.param("王小明 去 北京", [], id="a-script-without-capitals"),
        pytest.param("", [], id="empty"),
    ],
)
def test_names_are_runs_of_capitalised_words(text: str, expected: list[str]) -> None:
    assert names_in(text) == expected


def test_of_many_names_forty_are_found() -> None:
    text = ", ".join(f"Name{number}" for number in range(100))
    assert names_in(text) == [f"Name{number}" for number in range(40)]


words = st.lists(st.sampled_from(["ada", "blom", "oslo", "fjord"]), max_size=4).map(" ".join)


@given(st.lists(words, min_size=1, max_size=6), words, st.data())
def test_rows_with_all_have_every_word(texts: list[str], asked: str, data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.sampled_from(range(len(texts))), unique=True))
    later = [*(texts[row] for row in kept), "oslo ada"]
    change = RowMap.of(np.array([*kept, -1]), before=len(texts))
    index = LexicalIndex.build(texts).changed(later, change)
    wanted = set(asked.split())
    expected = [row for row, text in enumerate(later) if wanted and wanted <= set(text.split())]
    assert sorted(index.rows_with_all(wanted).tolist()) == expected
