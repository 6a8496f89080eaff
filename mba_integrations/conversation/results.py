"""Shorten the result of a tool: its beginning, what a query is about, and the errors at its end.

The text says how long the result was and which call it answers. Costs a few counts of texts as long
as the room, and one pass over the first 200,000 characters.
"""

from __future__ import annotations

from mba_integrations.conversation.message import Message
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.counting.truncation import truncate
from mba_integrations.core.search.passages import best_passage
from mba_integrations.core.search.sentences.error_lines import LAST_LINES, telling_places
from mba_integrations.core.search.sentences.index import splitter
from mba_integrations.core.search.sentences.spans import OMISSION

_CHARS_PER_TOKEN = 4
_LEAST_PASSAGE_TOKENS = 8
_MARK_SLACK_TOKENS = 3  # joining the mark and the passage may cost what neither costs alone
_JOIN_TOKENS = 6
_MAX_READ_CHARS = 200_000
"""How much of a result is searched for passages; more would cost more than 20 ms."""
_ENDING_PART = 3
"""Errors at the end have at most a third of the room."""
_LAST_CHARS = 8_000


def placeholder_for(message: Message) -> str:
    """A note in place of a result: that it is left out, with its length and its call."""
    return f"[{_mark(message)}, left out]"


def shortened(message: Message, limit_tokens: int, query: str, counter: TokenCounter) -> str:
    """A text with which a result costs at most *limit_tokens*, if its placeholder does.

    Args:
        message: A result with `bare_tokens`.
        limit_tokens: What the message may cost.
        query: What the passages should be about.
        counter: Counts texts.
    """
    smallest = placeholder_for(message)
    limit = limit_tokens - (message.bare_tokens or 0)
    room = limit - counter.count(smallest) - _MARK_SLACK_TOKENS
    if room < _LEAST_PASSAGE_TOKENS:
        return smallest
    text = f"[{_mark(message)}, shortened]\n{_best_text(message.text, query, room, counter)}"
    return text if counter.count(text) <= limit else smallest


class ShortenedResults:
    """Shortened results, so that the calls for one question shorten each of them once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, str], tuple[Message, str]] = {}
        self._used: dict[tuple[int, int, str], tuple[Message, str]] = {}

    def get(
        self, place: int, message: Message, limit_tokens: int, query: str, counter: TokenCounter
    ) -> str:
        """As `shortened`, of the message at a place; made now if it is not kept."""
        key = (place, limit_tokens, query)
        known = self._known.get(key) or self._used.get(key)
        if known is None or known[0] is not message:
            known = message, shortened(message, limit_tokens, query, counter)
        self._used[key] = known
        return known[1]

    def keep_used(self) -> None:
        """Forget what was not asked for since the last time."""
        self._known, self._used = self._used, {}


def _mark(message: Message) -> str:
    answered = message.answers[0] if message.answers else ""
    return f"result of tool call {answered}: {message.tokens:,} tokens"


def _best_text(text: str, query: str, room: int, counter: TokenCounter) -> str:
    """As much of the beginning as fits beside the query's sentences and the errors at the end."""
    ending = _ending(text, room // _ENDING_PART, counter)
    left = room - _cost(ending, counter)
    passage, _ = truncate(counter, _passage(text[:_MAX_READ_CHARS], query, left // 2), left // 2)
    beginning, _ = truncate(counter, text, max(0, left - _cost(passage, counter)))
    if passage and _has_all(beginning, passage):
        passage = ""
        beginning, _ = truncate(counter, text, max(0, left))
    if ending and ending in beginning:
        return truncate(counter, text, room)[0]
    if ending and ending in passage:
        ending = ""
    return f"\n{OMISSION}\n".join(part for part in (beginning, passage, ending) if part)


def _has_all(beginning: str, passage: str) -> bool:
    """Whether each sentence of a passage stands in the beginning; marks between them do not."""
    return all(part.strip() in beginning for part in passage.split(OMISSION))


def _cost(part: str, counter: TokenCounter) -> int:
    """Tokens of a part and of what joins it to the one before."""
    return counter.count(part) + _JOIN_TOKENS if part else 0


def _passage(text: str, query: str, room: int) -> str:
    """The sentences of the text that the query is about; empty if there are none."""
    terms_of = splitter().terms
    weights = dict.fromkeys(terms_of(query), 1.0)
    if not weights:
        return ""
    found = best_passage(
        text, weights=weights, terms_of=terms_of, max_chars=room * _CHARS_PER_TOKEN
    )
    return found.text if found else ""


def _ending(text: str, room: int, counter: TokenCounter) -> str:
    """The lines near the end that tell of an error, the last ones first choice; mostly none."""
    lines = [line.strip() for line in text[-_LAST_CHARS:].splitlines()[-LAST_LINES:]]
    kept: list[str] = []
    for place in telling_places(lines):
        cost = counter.count(lines[place]) + 1
        if cost <= room:
            kept.append(lines[place])
            room -= cost
    return "\n".join(reversed(kept))
