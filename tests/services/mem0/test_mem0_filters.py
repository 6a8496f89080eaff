"""mem0's filters: the same memories, whether the store answers or they are looked at one by one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations import InputError
from mba_integrations.services.mem0.filters import Wanted, names_entity, wanted_of
from mba_integrations.services.store.rows.memories import MemoryFilter

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
RECORD: dict[str, Any] = {
    **{"id": "m", "memory": "Kate skis.", "user_id": "kate", "agent_id": None, "run_id": "trip"},
    **{"app_id": "app", "categories": ["sport", "snow"], "created_at": "2026-06-01T12:00:00+00:00"},
    **{"updated_at": None, "metadata": {"n": 3, "place": "Lisbon"}},
}


def of(filters: dict[str, Any]) -> Wanted:
    return wanted_of(filters, alive_at=NOON)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        pytest.param({"n": 3}, True, id="an-entry-of-the-metadata"),
        pytest.param({"metadata": {"n": 3, "place": {"contains": "Lis"}}}, True, id="of-them"),
        pytest.param({"n": {"gt": 2, "lte": 3}}, True, id="two-comparisons"),
        pytest.param({"n": {"gt": 3}}, False, id="not-more"),
        pytest.param({"n": {"gt": "x"}}, False, id="another-kind"),
        pytest.param({"n": {"in": [1, 3]}}, True, id="one-of"),
        pytest.param({"n": {"nin": [1, 3]}}, False, id="none-of"),
        pytest.param({"missing": {"ne": 1}}, True, id="what-is-not-there-is-another"),
        pytest.param({"categories": {"in": ["snow", "x"]}}, True, id="one-category-is-enough"),
        pytest.param({"categories": {"contains": "sno"}}, False, id="categories-are-whole"),
        pytest.param({"categories": "*"}, True, id="any-category"),
        pytest.param({"agent_id": "*"}, False, id="no-agent"),
        pytest.param({"user_id": {"ne": "tom"}}, True, id="another-user"),
        pytest.param({"keywords": {"icontains": "SKIS"}}, True, id="words-of-the-text"),
        pytest.param({"created_at": {"gte": "2026-06-01"}}, True, id="a-day-begins-in-utc"),
        pytest.param({"created_at": {"lt": "2026-06-01T14:00:00+02:00"}}, False, id="zones"),
        pytest.param({"updated_at": {"gt": "2020-01-01"}}, False, id="no-time"),
        pytest.param({"OR": [{"n": 1}, {"n": 3, "place": "Lisbon"}]}, True, id="one-of-two"),
        pytest.param({"OR": [{"n": 1}, {"n": 3, "place": "x"}]}, False, id="all-of-each"),
        pytest.param({"NOT": [{"n": 1}, {"n": 3}]}, False, id="none-of-two"),
        pytest.param({"NOT": {"n": 1}}, True, id="not-one"),
        pytest.param({"AND": [{"n": 3}, {"OR": [{"n": 3}]}]}, True, id="nested"),
    ],
)
def test_a_condition_holds_as_mem0_says(condition: dict[str, Any], holds: bool) -> None:
    assert of(condition).lets_through(RECORD) is holds


def test_whose_memories_they_are_is_asked_of_the_store() -> None:
    wanted = of(
        {"AND": [{"user_id": "kate"}, {"run_id": {"in": ["a", "b"]}}, {"agent_id": "x"}, {"n": 1}]}
    )
    assert wanted.stored == MemoryFilter(
        subjects=frozenset({"kate"}),
        sources=frozenset({"a", "b"}),
        metadata={"agent_id": "x"},
        alive_at=NOON,
    )
    assert wanted.rest == (("n", 1),)


def test_a_name_that_is_given_twice_must_be_both() -> None:
    wanted = of(
        {"AND": [{"user_id": "kate"}, {"user_id": "tom"}, {"agent_id": "x"}, {"agent_id": "y"}]}
    )
    assert wanted.stored.subjects == frozenset({"kate"})
    assert wanted.rest == (("user_id", "tom"), ("agent_id", "y"))


NAMES = st.sampled_from(["kate", "tom", "*"])
NAMED = st.one_of(
    st.builds(lambda name: {"user_id": name}, NAMES),
    st.builds(lambda names: {"run_id": {"in": names}}, st.lists(st.sampled_from("ab"))),
    st.builds(lambda name: {"app_id": {"eq": name}}, st.sampled_from("xy")),
    st.builds(lambda number: {"n": {"gte": number}}, st.integers(0, 2)),
)
RECORDS = st.fixed_dictionaries(
    {
        "user_id": st.sampled_from(["kate", "tom", None]),
        "run_id": st.sampled_from(["a", "b", None]),
        "app_id": st.sampled_from(["x", "y", None]),
        "metadata": st.fixed_dictionaries({"n": st.integers(0, 2)}),
    }
)


@settings(max_examples=100, deadline=None)
@given(conditions=st.lists(NAMED, max_size=4), record=RECORDS)
def test_the_store_and_the_rest_together_are_the_whole_filter(
    conditions: list[dict[str, Any]], record: dict[str, Any]
) -> None:
    """Within `OR` nothing is left to the store, so that is what the whole filter says."""
    wanted = of({"AND": conditions})
    whole = all(of({"OR": [one]}).lets_through(record) for one in conditions)
    assert (stored(wanted.stored, record) and wanted.lets_through(record)) is whole


def stored(wanted: MemoryFilter, record: dict[str, Any]) -> bool:
    sets = ((wanted.subjects, record["user_id"]), (wanted.sources, record["run_id"]))
    return all(names is None or name in names for names, name in sets) and all(
        record[name] == one for name, one in wanted.metadata.items()
    )


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        pytest.param({"n": {"like": 1}}, "'like' is none of eq, in, gt", id="comparison"),
        pytest.param({"metadata": {"n": {"b": 1}}}, "n: 'b' is none of", id="in-the-metadata"),
        pytest.param({"OR": "x"}, "OR must be a list of conditions", id="no-list"),
        pytest.param({"AND": [1]}, "AND must be a list of conditions", id="no-condition"),
        pytest.param({"created_at": {"gt": "soon"}}, "created_at is not a time", id="no-time"),
    ],
)
def test_filters_that_are_none_are_refused_before_they_are_used(
    filters: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        of(filters)


def test_filters_are_nested_so_deep_and_no_deeper() -> None:
    deep: dict[str, Any] = {"n": 1}
    for _ in range(11):
        deep = {"OR": [deep]}
    assert of(deep).rest
    with pytest.raises(InputError, match="deeper than 12 levels"):
        of({"OR": [deep]})


@pytest.mark.parametrize(
    ("filters", "named"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param({"n": 1}, False, id="another-field"),
        pytest.param({"AND": [{"n": 1}, {"run_id": "a"}]}, True, id="within-and"),
        pytest.param({"OR": [{"run_id": "a"}, {"user_id": "*"}]}, True, id="on-each-way"),
        pytest.param({"OR": [{"run_id": "a"}, {"n": 1}]}, False, id="on-one-way-alone"),
        pytest.param({"OR": []}, False, id="on-no-way"),
        pytest.param({"NOT": [{"run_id": "a"}]}, False, id="all-but-one"),
    ],
)
def test_a_filter_says_whose_memories_it_is_about(filters: dict[str, Any], named: bool) -> None:
    assert names_entity(filters) is named
