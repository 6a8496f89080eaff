"""What is kept of a prompt for the next turn, and what of it is carried over."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fakes import line
from hypothesis import given
from hypothesis import strategies as st
from strategies import texts

from mba_integrations import InputError, MemoryItem, MemoryTier, PreviousPrompt
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.turns.previous import (
    NOTHING_CARRIED,
    Carried,
    PreviousItem,
    carried_over,
    digest_of,
)


def previous(*items: PreviousItem, text: str = "before", breaks: tuple[int, ...] = ()) -> Any:
    return PreviousPrompt(
        workspace_id="w", layout_id="markdown", text=text, items=items, breaks=breaks
    )


def item_before(item: MemoryItem, **fields: Any) -> PreviousItem:
    known = {
        "id": item.id,
        "tier": item.tier,
        "digest": digest_of(item.content),
        "passage": None,
        "opens": False,
        "changing": False,
    }
    return PreviousItem(**{**known, **fields})


A, B, C, D = (line(name, 20) for name in "abcd")


def rows_of(*before: PreviousItem, now: list[MemoryItem]) -> tuple[tuple[int, ...], int]:
    carried = carried_over(previous(*before), PoolSnapshot(now))
    return carried.rows, carried.lead


@pytest.mark.parametrize(
    ("now", "rows", "lead"),
    [
        pytest.param([A, B, C], (0, 1, 2), 3, id="all-are-there"),
        pytest.param([C, B, A], (2, 1, 0), 3, id="in-the-order-of-the-prompt"),
        pytest.param([A, D, C], (0, 2), 1, id="one-is-gone"),
        pytest.param([A, line("b", 21), C], (0, 2), 1, id="one-has-another-text"),
        pytest.param([A, line("b", 20, "project"), C], (0, 2), 1, id="one-has-another-tier"),
        pytest.param([D], (), 0, id="none-is-there"),
        pytest.param([], (), 0, id="no-candidates"),
    ],
)
def test_what_is_carried_over(now: list[MemoryItem], rows: tuple[int, ...], lead: int) -> None:
    assert rows_of(*map(item_before, (A, B, C)), now=now) == (rows, lead)


def test_an_item_that_was_changing_ends_the_lead() -> None:
    before = (item_before(A), item_before(B, changing=True), item_before(C))
    carried = carried_over(previous(*before), PoolSnapshot([A, B, C]))
    assert (carried.rows, carried.lead) == ((0, 1, 2), 1)
    assert carried.changing == {1}
    assert carried.changed == ()


def test_a_changed_text_is_named_and_stands_last_from_now_on() -> None:
    carried = carried_over(previous(item_before(A)), PoolSnapshot([line("a", 30)]))
    assert carried == Carried(changing=frozenset({0}), changed=("a",))


def test_a_passage_is_shown_again() -> None:
    before = item_before(A, passage="aa […]", opens=True)
    carried = carried_over(previous(before), PoolSnapshot([B, A]))
    assert carried.opens == (True,)
    assert {row: item.content for row, item in carried.shown.items()} == {1: "aa […]"}
    assert carried.shown[1].id == "a"


def test_of_an_empty_prompt_nothing_is_carried_over() -> None:
    assert carried_over(previous(), PoolSnapshot([A])) == NOTHING_CARRIED


prompts = st.builds(
    PreviousPrompt,
    workspace_id=texts,
    layout_id=texts,
    text=st.just("x" * 50),
    items=st.lists(
        st.builds(
            PreviousItem,
            id=texts,
            tier=st.sampled_from(MemoryTier),
            digest=st.binary(min_size=12, max_size=12),
            passage=st.none() | texts,
            opens=st.booleans(),
            changing=st.booleans(),
        ),
        max_size=4,
    ).map(tuple),
    breaks=st.lists(st.integers(0, 50), max_size=4).map(tuple),
)


@given(prompts)
def test_it_comes_back_from_json_as_it_was(prompt: PreviousPrompt) -> None:
    assert PreviousPrompt.from_dict(json.loads(json.dumps(prompt.to_dict()))) == prompt


def written(**changes: Any) -> dict[str, Any]:
    return {**previous(item_before(A), breaks=(3,)).to_dict(), **changes}


def written_item(**changes: Any) -> dict[str, Any]:
    return written(items=[{**item_before(A).to_dict(), **changes}])


@pytest.mark.parametrize(
    ("given_dict", "message"),
    [
        pytest.param([], "previous must be a mapping, got list.", id="no-mapping"),
        pytest.param({}, "previous.schema_version is missing.", id="empty"),
        pytest.param(
            written(schema_version=2),
            "previous.schema_version is 2, this version reads 1. Begin the session anew.",
            id="another-version",
        ),
        pytest.param(
            written(schema_version=True),
            "previous.schema_version must be an integer, got bool.",
            id="true-is-no-version",
        ),
        pytest.param(written(text=3), "previous.text must be a text, got int.", id="text"),
        pytest.param(written(items={}), "previous.items must be a list, got dict.", id="items"),
        pytest.param(
            written(breaks=[7]),
            "previous.breaks must be integers from 0 to the length of text.",
            id="break-behind-the-text",
        ),
        pytest.param(
            written(breaks=["1"]),
            "previous.breaks must be integers from 0 to the length of text.",
            id="break-is-no-integer",
        ),
        pytest.param(
            written(items=["a"]), "previous.items[0] must be a mapping, got str.", id="item"
        ),
        pytest.param(
            written_item(tier="attic"),
            "previous.items[0].tier must be one of working, project, long_term, rag, got 'attic'.",
            id="tier",
        ),
        pytest.param(
            written_item(digest="ab"),
            "previous.items[0].digest must be 24 hexadecimal digits.",
            id="short-digest",
        ),
        pytest.param(
            written_item(digest="x" * 24),
            "previous.items[0].digest must be 24 hexadecimal digits.",
            id="digest-of-other-letters",
        ),
        pytest.param(
            written_item(passage=1),
            "previous.items[0].passage must be a text or null, got int.",
            id="passage",
        ),
        pytest.param(
            written_item(opens=1),
            "previous.items[0].opens must be true or false, got int.",
            id="one-is-not-true",
        ),
    ],
)
def test_anything_else_is_refused_by_name(given_dict: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        PreviousPrompt.from_dict(given_dict)
    assert str(caught.value) == message


def test_a_missing_entry_of_an_item_is_named() -> None:
    item = item_before(A).to_dict()
    del item["changing"]
    with pytest.raises(InputError, match=r"^previous\.items\[0\]\.changing is missing\.$"):
        PreviousPrompt.from_dict(written(items=[item]))
