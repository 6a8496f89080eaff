"""Changes of a list of rows, for whatever is carried over by them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from mba_integrations.core.rows.row_map import RowMap


def rows(*origin: int, before: int) -> RowMap:
    return RowMap.of(np.array(origin, dtype=np.int64), before)


@st.composite
def origins(draw: st.DrawFn, before: int) -> list[int]:
    """Where each new row comes from: some of the earlier ones in any order, and fresh ones."""
    kept = draw(st.lists(st.integers(0, before - 1), unique=True)) if before else []
    fresh = draw(st.integers(0, 3))
    order = draw(st.permutations([*kept, *[-1] * fresh]))
    appended = [*range(before), *[-1] * fresh]
    return draw(st.sampled_from([list(order), sorted(kept) + [-1] * fresh, appended]))
