"""Which items need their date beside them to be read rightly.

- A newer statement and the older one that it comes after: without dates nobody can tell which
  holds.
- Where the question asks when something was, or for something of a time ("last week"), the
  likeliest items whose text has no number, and so no date of its own.

Only notes and documents: the conversation stands in its order. Items without a date have none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from mba_integrations.core.arrays import FloatArray, best_rows
from mba_integrations.core.model import MemoryTier
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.value.asked_time import asked_time
from mba_integrations.core.value.question import Question

_MOST = 8
_MOST_CHARS = 2_000
_WHEN = re.compile(
    r"\b(?:when (?:did|was|were|have|has|had)|how long ago|since when|what (?:date|day) (?:did|was)"
    r"|(?:seit )?wann (?:hat|habe|haben|hast|war|waren|wurde|ist)|(?:depuis )?quand (?:a|ai|as"
    r"|avons|avez|ont|est|était)|cuándo (?:fue|fui|hizo|hice|ha|he|había|estuvo)|quando (?:è|ha"
    r"|ho|era|foi|fui|fiz)|wanneer (?:heeft|heb|was|is)|när (?:var|har)|когда (?:был|бы))"
    r"|什么时候.*[了过的]|いつ.*(?:た|だった)",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")


def rows_with_dates(
    question: Question,
    snapshot: PoolSnapshot,
    probability: FloatArray,
    after: Mapping[int, int],
) -> tuple[int, ...]:
    """Rows of the items whose date is to stand in their line, ascending.

    Args:
        question: What is asked.
        snapshot: The candidates.
        probability: That each is needed, shape (n,).
        after: Rows of newer statements, each with the row of the older one.
    """
    columns = snapshot.columns
    if len(snapshot.undated_rows) == len(snapshot):
        return ()
    rows = {*after, *after.values()}
    if _asks_for_time(question):
        rows |= {
            row
            for row in best_rows(probability, _MOST).tolist()
            if not _DIGIT.search(snapshot.texts[row][:_MOST_CHARS])
        }
    return tuple(
        row
        for row in sorted(rows)
        if columns.tier[row] != MemoryTier.WORKING.code
        and not np.isnan(columns.created_seconds[row])
    )


def _asks_for_time(question: Question) -> bool:
    text = question.text[:_MOST_CHARS]
    asked = asked_time(text, now_seconds=question.now_seconds, years=())
    return bool(asked.periods) or _WHEN.search(text) is not None
