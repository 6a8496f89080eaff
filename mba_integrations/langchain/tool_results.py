"""Shorten the result of a tool to its beginning and what a query is about, or to a placeholder.

The copy says how long the result was and keeps the id of its call; the original stays as it is.
"""

from __future__ import annotations

from functools import cache

from langchain_core.messages import ToolMessage

from mba_integrations.core.counting.truncation import truncate
from mba_integrations.core.search.passages import OMISSION, best_passage
from mba_integrations.core.search.terms import TermSplitter
from mba_integrations.langchain.message_counting import MessageCounter

SHORTENED = "memory_budget"
"""Key in `response_metadata` of a shortened result."""
_CHARS_PER_TOKEN = 4
_LEAST_PASSAGE_TOKENS = 8
_MARK_SLACK_TOKENS = 3  # joining the mark and the passage may cost what neither costs alone
_JOIN_TOKENS = 6
_MAX_READ_CHARS = 200_000
"""How much of a result is searched for passages; more would cost more than 20 ms."""


def placeholder_for(message: ToolMessage, tokens: int) -> ToolMessage:
    """The result as a note that it is left out, with its id.

    Args:
        message: The result.
        tokens: What it costs in full.
    """
    return _copy(message, f"[{_mark(message, tokens)}, left out]", tokens)


def shortened(
    message: ToolMessage, tokens: int, limit_tokens: int, query: str, counter: MessageCounter
) -> ToolMessage:
    """The result in at most *limit_tokens* as a message, if its placeholder fits in them.

    Args:
        message: The result.
        tokens: What it costs in full.
        limit_tokens: What the message may cost.
        query: What the passages should be about.
        counter: Counts messages.
    """
    smallest = placeholder_for(message, tokens)
    room = limit_tokens - counter.message_tokens([smallest])[0] - _MARK_SLACK_TOKENS
    if room < _LEAST_PASSAGE_TOKENS:
        return smallest
    text = _best_text(message.text, query, room, counter)
    short = _copy(message, f"[{_mark(message, tokens)}, shortened]\n{text}", tokens)
    return short if counter.message_tokens([short])[0] <= limit_tokens else smallest


class ShortenedResults:
    """Shortened results, so that the calls for one question shorten each of them once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, str], tuple[ToolMessage, ToolMessage]] = {}
        self._used: dict[tuple[str, int, str], tuple[ToolMessage, ToolMessage]] = {}

    def get(
        self,
        message: ToolMessage,
        tokens: int,
        limit_tokens: int,
        query: str,
        counter: MessageCounter,
    ) -> ToolMessage:
        """As `shortened`; made now if it is not kept."""
        key = (message.tool_call_id, limit_tokens, query)
        known = self._known.get(key) or self._used.get(key)
        if known is None or (known[0] is not message and known[0] != message):
            known = message, shortened(message, tokens, limit_tokens, query, counter)
        self._used[key] = known
        return known[1]

    def keep_used(self) -> None:
        """Forget what was not asked for since the last time."""
        self._known, self._used = self._used, {}


def _mark(message: ToolMessage, tokens: int) -> str:
    return f"result of tool call {message.tool_call_id}: {tokens:,} tokens"


def _copy(message: ToolMessage, content: str, tokens: int) -> ToolMessage:
    metadata = {**message.response_metadata, SHORTENED: {"full_tokens": tokens}}
    return message.model_copy(update={"content": content, "response_metadata": metadata})


@cache
def _splitter() -> TermSplitter:
    return TermSplitter()


def _best_text(text: str, query: str, room: int, counter: MessageCounter) -> str:
    """The passages that the query is about after as much of the beginning as fits."""
    counting = counter.text_counter
    passage = _passage(text[:_MAX_READ_CHARS], query, room // 2)
    if not passage:
        return truncate(counting, text, room)[0]
    passage, used = truncate(counting, passage, room // 2)
    beginning, _ = truncate(counting, text, max(0, room - used - _JOIN_TOKENS))
    if passage in beginning:
        return truncate(counting, text, room)[0]
    return f"{beginning}\n{OMISSION}\n{passage}" if beginning else passage


def _passage(text: str, query: str, room: int) -> str:
    """The sentences of the text that the query is about; empty if there are none."""
    splitter = _splitter()
    weights = dict.fromkeys(splitter.terms(query), 1.0)
    if not weights:
        return ""
    found = best_passage(
        text, weights=weights, terms_of=splitter.terms, max_chars=room * _CHARS_PER_TOKEN
    )
    return found.text if found else ""
