"""The older sessions train, the newer ones test."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcomes import outcome, outcomes

from mba_integrations.core.errors import InputError
from mba_integrations.learning.gate.outcomes import Outcome
from mba_integrations.learning.gate.split import split_by_time


def test_the_older_sessions_of_a_workspace_train() -> None:
    older, newer = split_by_time(outcomes(100))
    assert [one.allocation_id for one in older] == [f"a{number}" for number in range(60)]
    assert [one.allocation_id for one in newer] == [f"a{number}" for number in range(60, 100)]


def test_each_workspace_is_split_for_itself() -> None:
    later = [replace(outcome(number + 1000), workspace_id="ben") for number in range(100)]
    older, newer = split_by_time([*outcomes(100), *later])
    for part in (older, newer):
        assert {one.workspace_id for one in part} == {"kate", "ben"}


def test_allocations_without_a_session_are_sessions_of_their_own() -> None:
    older, newer = split_by_time(outcomes(10, session_id=None))
    assert (len(older), len(newer)) == (6, 4)


def test_one_session_only_is_all_for_training() -> None:
    older, newer = split_by_time(outcomes(10))
    assert (len(older), len(newer)) == (10, 0)


@pytest.mark.parametrize("share", [0.0, 1.0, float("nan")])
def test_a_share_that_leaves_a_part_empty_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="train_share"):
        split_by_time(outcomes(10), train_share=share)


_RANDOM = st.lists(
    st.tuples(st.integers(0, 500), st.sampled_from("ab"), st.sampled_from([None, "x", "y", "z"])),
    max_size=60,
)


@given(_RANDOM, st.floats(0.05, 0.95))
def test_no_session_is_cut_and_nothing_is_lost(
    rows: list[tuple[int, str, str | None]], share: float
) -> None:
    ones: list[Outcome] = [
        replace(outcome(minute), allocation_id=f"n{place}", workspace_id=ws, session_id=session)
        for place, (minute, ws, session) in enumerate(rows)
    ]
    older, newer = split_by_time(ones, train_share=share)
    assert {one.allocation_id for one in (*older, *newer)} == {one.allocation_id for one in ones}
    assert len(older) + len(newer) == len(ones)
    assert not {one.session for one in older} & {one.session for one in newer}
    for workspace_id in "ab":
        begins = [
            {one.session: one.at for one in reversed(part) if one.workspace_id == workspace_id}
            for part in (older, newer)
        ]
        if begins[0] and begins[1]:
            assert max(begins[0].values()) <= min(begins[1].values())
