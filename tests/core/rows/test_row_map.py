"""A map of rows carries columns over as reading each row's origin would."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from row_changes import origins, rows

from mba_integrations.core.rows.row_map import RowMap


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(rows(0, 1, before=2), [5, 6], id="nothing"),
        pytest.param(rows(0, 1, -1, -1, before=2), [5, 6, 9, 9], id="append"),
        pytest.param(rows(1, before=2), [6], id="remove"),
        pytest.param(rows(-1, 1, before=2), [9, 6], id="replace"),
        pytest.param(rows(1, -1, 0, before=2), [6, 9, 5], id="any-order"),
        pytest.param(rows(-1, before=0), [9], id="from-empty"),
        pytest.param(rows(before=2), [], id="to-empty"),
        pytest.param(rows(before=0), [], id="empty-to-empty"),
    ],
)
def test_a_column_is_carried_over(change: RowMap, expected: list[int]) -> None:
    assert change.carried(np.array([5, 6][: change.before], dtype=np.int64), 9).tolist() == expected


@given(st.data(), st.integers(0, 6), st.integers(1, 3))
def test_columns_of_any_width_are_read_row_by_row(
    data: st.DataObject, before: int, width: int
) -> None:
    origin = data.draw(origins(before))
    change = rows(*origin, before=before)
    column = np.arange(before * width, dtype=np.float32).reshape(before, width)
    fresh = -np.arange(1.0, len(change.fresh) * width + 1).reshape(-1, width)
    expected, waiting = [], fresh.tolist()
    for row in origin:
        expected.append(column[row].tolist() if row >= 0 else waiting.pop(0))
    if width == 1 and before:
        flat = change.carried(column[:, 0], fresh[:, 0])
        assert flat.tolist() == [row[0] for row in expected]
    if before:
        carried = change.carried(column, fresh)
        assert carried.tolist() == expected
        assert carried.dtype == np.float32


@given(st.data(), st.integers(0, 6))
def test_rows_that_are_fresh_and_rows_that_go(data: st.DataObject, before: int) -> None:
    origin = data.draw(origins(before))
    change = rows(*origin, before=before)
    assert change.fresh.tolist() == [new for new, old in enumerate(origin) if old < 0]
    assert change.gone.tolist() == [old for old in range(before) if old not in origin]
    assert change.size == len(origin)


@pytest.mark.parametrize(
    ("origin", "before", "appended"),
    [
        pytest.param([0, 1], 2, True, id="nothing"),
        pytest.param([0, 1, -1], 2, True, id="one-more"),
        pytest.param([-1], 0, True, id="from-empty"),
        pytest.param([0, -1], 2, False, id="the-last-replaced"),
        pytest.param([0], 2, False, id="the-last-removed"),
        pytest.param([1, 0], 2, False, id="turned-round"),
        pytest.param([0, -1, 1], 2, False, id="put-between"),
    ],
)
def test_only_an_append_needs_no_origin(origin: list[int], before: int, appended: bool) -> None:
    assert (rows(*origin, before=before).origin is None) is appended


def test_what_is_carried_is_a_column_of_its_own_unless_nothing_changes() -> None:
    column = np.array([5, 6])
    assert rows(0, 1, before=2).carried(column, []) is column
    for change in (rows(1, 0, before=2), rows(0, 1, -1, before=2)):
        change.carried(column, 7)[0] = 99
        assert column.tolist() == [5, 6]
