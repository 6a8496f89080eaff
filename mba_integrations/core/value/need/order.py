"""Questions of order over the running conversation: what came first, last, before or after.

"What did I ask you first?" is answered by a place, not by a match. What is put in order is read
from the question: the turns of the one who spoke ("did I ask", "did you say"), or the lines of the
conversation with one label, such as "log:", if one of them matches. Then

- "first" and "last" mean the ends of these;
- "before" and "after" mean the neighbours of the one that matches best, which comes in too; beside
  "last", "before" means the last but one.

Words of eight languages. Where nothing is put in order, nothing changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.dialogue.roles import Role, role_in
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.value.match import Match
from mba_integrations.core.value.need.standing import joined

_PLACED = 0.6
"""That an item is needed whose place is asked for."""
_ANCHOR = 0.4
"""The same for the item that the place is counted from."""
_MOST_CHARS = 500
_FIRST = re.compile(
    r"\b(?:first|at the (?:start|beginning)|zuerst|als erstes|am anfang|d'abord|en premier|au début"
    r"|primero|al principio|per prim[oa]|all'inizio|primeiro|сначала|перв\w+)\b|最初|最先|一开始",
    re.IGNORECASE,
)
_LAST = re.compile(
    r"\b(?:last(?! (?:week|month|year|night|time|name|monday|tuesday|wednesday|thursday|friday"
    r"|saturday|sunday))|most recent(?:ly)?|zuletzt|als letztes|en dernier|dernière?|por último"
    r"|últim[oa]|per ultim[oa]|ultim[oa]|последн\w+)\b|最後|最后",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"\b(?:before|previous|davor|vorher|vor de[rmn]|avant|précédente?|antes|anterior|prima|перед)\b"
    r"|その前|之前|前一|上一",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\b(?:after|next|danach|nach de[rmn]|après|después|depois|dopo|после)\b|その後|之后|下一",
    re.IGNORECASE,
)
_ASKER = re.compile(
    r"\b(?:(?:did|have|had) i|i (?:asked|said|told|wrote|wanted|mentioned)|(?:habe|hatte) ich"
    r"|ai-je|j'ai|(?:he|había) (?:preguntado|dicho)|pregunté|dije|я (?:спросил|сказал|просил)\w*)\b"
    r"|我(?:先|最先|最后)?[问说]|私が",
    re.IGNORECASE,
)
_ANSWERER = re.compile(
    r"\b(?:(?:did|have|had) you|you (?:said|told|suggested|answered|wrote|proposed|recommended)"
    r"|hast du|haben sie|as-tu|avez-vous|dijiste|has dicho|ты (?:сказал|ответил)\w*)\b|你[说答]",
    re.IGNORECASE,
)
_OF_NOUN = re.compile(
    r"\b(?:first|last) (?!thing|question|message|request|today|that|of all|in this|here|ask|say"
    r"|said|tell|told|want|mention|write|wrote)\w",
    re.IGNORECASE,
)
"""The first of something else, as "the first option", of which somebody spoke."""
_LABEL = re.compile(r"\s*([^\W\d_][\w .'’-]{0,20}?)\s*[:：]")


def places_asked(query: str, snapshot: PoolSnapshot, match: Match) -> Mapping[int, float]:
    """Rows whose place in the running conversation is asked for, each with its probability."""
    text = query[:_MOST_CHARS]
    first, last = _FIRST.search(text), _LAST.search(text)
    before, after = _BEFORE.search(text), _AFTER.search(text)
    if not (first or last or before or after):
        return {}
    rows = _in_order(text, snapshot, match)
    if len(rows) < 2:
        return {}
    found = {rows[0]: _PLACED} if first else {}
    if last:
        found |= dict.fromkeys(rows[-2:] if before else rows[-1:], _PLACED)
    best = max(rows, key=lambda row: match.lexical[row])
    if (before or after) and not (first or last) and match.lexical[best] > 0.0:
        at = rows.index(best)
        beside = rows[max(0, at - bool(before)) : at + 1 + bool(after)]
        found |= {**dict.fromkeys(beside, _PLACED), best: _ANCHOR}
    return found


def with_places(probability: FloatArray, places: Mapping[int, float]) -> FloatArray:
    """Probabilities with what a place that is asked for adds, shape (n,).

    >>> import numpy as np
    >>> with_places(np.array([0.5, 0.5]), {1: 0.6}).tolist()
    [0.5, 0.8]
    """
    result = probability.copy() if places else probability
    for row, chance in places.items():
        result[row] = float(joined(result[row : row + 1], chance)[0])
    return result


def _in_order(text: str, snapshot: PoolSnapshot, match: Match) -> Sequence[int]:
    """The rows that a question puts in order."""
    talk = snapshot.talk.running.tolist()
    asker, answerer = _ASKER.search(text), _ANSWERER.search(text)
    if (asker or answerer) and not _OF_NOUN.search(text):
        role = Role.USER if asker else Role.ASSISTANT
        return [row for row in talk if role_in(snapshot.items[row].metadata) is role]
    labelled: dict[str, list[int]] = {}
    for row in talk:
        label = _LABEL.match(snapshot.texts[row][:40])
        if label:
            labelled.setdefault(label.group(1).lower(), []).append(row)
    groups = [(float(match.lexical[rows].sum()), rows) for rows in labelled.values()]
    weight, rows = max(groups, key=lambda group: group[0], default=(0.0, []))
    return rows if weight > 0.0 else []
