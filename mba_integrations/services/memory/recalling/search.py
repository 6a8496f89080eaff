"""Search: memories by how well they answer a question, as a list; with a budget for the list.

    budget 60 tokens    hits by score: a 20 tokens, b 90, c 25   ->   [a, c], one passed over

The list as it is written fits, brackets and commas included. A hit that does not fit is passed over
and the next is tried, so that one long text does not leave the reply empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np

from mba_integrations.core.arguments import checked_tokens, checked_whole
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.errors import InputError
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.recalling.candidates import candidates_for
from mba_integrations.services.memory.recalling.reply import SearchHit, SearchReply
from mba_integrations.services.memory.recalling.request import RecallRequest
from mba_integrations.services.memory.recalling.scores import without_pins_in_the_way

MOST_HITS = 100


def search(
    equipment: Equipment, request: RecallRequest, *, limit: int, list_tokens: int | None
) -> SearchReply:
    """Find; see `MemoryService.search`."""
    if checked_whole("limit", limit, at_least=1) > MOST_HITS:
        raise InputError(f"limit must be at most {MOST_HITS}, got {limit:,}.")
    if list_tokens is not None:
        checked_tokens("budget_tokens", list_tokens)
    now = equipment.clock()
    checked = request.checked(now)
    candidates = candidates_for(equipment, checked, now)
    allocation = without_pins_in_the_way(equipment, checked, candidates, now)
    counter = allocation.decided.problem.counter
    hits, too_large = _fitting(_ranked(allocation, limit), counter, list_tokens)
    text = _written(hits)
    return SearchReply(
        hits=tuple(hits),
        text=text,
        used_tokens=counter.count(text),
        budget_tokens=list_tokens,
        too_large=too_large,
        not_considered=candidates.not_considered,
        change_seq=candidates.change_seq,
    )


def _ranked(allocation: Allocation, limit: int) -> Iterator[SearchHit]:
    """The best hits, equal ones in input order."""
    score = allocation.decided.signals.score
    for row in np.argsort(-score, kind="stable")[:limit].tolist():
        item = allocation.decided.item(row)
        yield SearchHit(
            memory_id=item.id, content=item.content, tier=item.tier, score=float(score[row])
        )


def _fitting(
    ranked: Iterator[SearchHit], counter: TokenCounter, budget: int | None
) -> tuple[list[SearchHit], int]:
    hits: list[SearchHit] = []
    too_large = 0
    for hit in ranked:
        if budget is None or counter.count(_written([*hits, hit])) <= budget:
            hits.append(hit)
        else:
            too_large += 1
    if budget is not None and not hits and counter.count(_written([])) > budget:
        raise InputError(f"budget_tokens is {budget}, an empty list needs more.")
    return hits, too_large


def _written(hits: Sequence[SearchHit]) -> str:
    return json.dumps([hit.to_dict() for hit in hits], ensure_ascii=False)
