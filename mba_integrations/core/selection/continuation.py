"""`Continuation`: how a prompt follows another one.

Rows are those of the candidates. A prompt that follows none has the continuation `NOTHING_BEFORE`.

>>> after = Continuation(beginning=(4, 2, 7), opens=(True, False, True), ahead=(4, 2, 7, 1))
>>> after.cut(1).beginning, after.cut(1).ahead
((4,), (4, 2, 7, 1))
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from mba_integrations.core.arrays import IntArray

NO_ROWS: IntArray = np.zeros(0, dtype=np.int64)
NO_ROWS.flags.writeable = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """How a prompt follows another one.

    Attributes:
        beginning: The kept rows: they begin the prompt, as they began the other one.
        opens: For each of them, whether a heading stands before it.
        ahead: Rows that go ahead of new ones: new pins, then what is carried over from the other
            prompt, in its order there. They stand first in a section that is in no order of its
            own, and stay where a new item says the same and is not newer.
        changing: Rows that stand last, because their text changes from turn to turn.
        closed: Rows that stay out, because in a chronological section they would stand before one
            that is kept.
        upper_bound: No selection is worth more, whatever is kept.
    """

    beginning: tuple[int, ...] = ()
    opens: tuple[bool, ...] = ()
    ahead: tuple[int, ...] = ()
    changing: frozenset[int] = frozenset()
    closed: IntArray = field(default_factory=lambda: NO_ROWS, compare=False)
    upper_bound: float = 0.0

    def cut(self, count: int) -> Continuation:
        """Keep only the first *count* rows of the beginning."""
        return replace(self, beginning=self.beginning[:count], opens=self.opens[:count])


NOTHING_BEFORE = Continuation()
