"""The structure of a conversation: exchanges, and the units that stand or fall together.

An exchange is a human message with all that follows it up to the next one. Its units are the
question with its plain answers, and each tool round: a message with tool calls and the results that
follow it directly. An exchange of few tokens is one unit. What a provider would refuse, a call
without all its results or a result without its call, belongs to no unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRound:
    """A message with tool calls and the results of all of them.

    Attributes:
        start: Place of the message with the calls.
        end: Place after the last result.
    """

    start: int
    end: int

    @property
    def places(self) -> range:
        """Places of the messages."""
        return range(self.start, self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A human message and what follows it. The first may lack the human message.

    Attributes:
        start: Place of the first message.
        end: Place after the last one.
        head: Places of the human message and of messages without tool calls.
        rounds: The tool rounds, in order.
        standing: Places of system messages.
        unusable: Places of what a provider would refuse.
        has_human: Whether it begins with a human message.
    """

    start: int
    end: int
    head: tuple[int, ...]
    rounds: tuple[ToolRound, ...]
    standing: tuple[int, ...]
    unusable: tuple[int, ...]
    has_human: bool


def exchanges_of(messages: Sequence[BaseMessage], start: int = 0) -> Iterator[Exchange]:
    """The exchanges from *start* on, which must be the start of one."""
    while start < len(messages):
        end = start + 1
        while end < len(messages) and not isinstance(messages[end], HumanMessage):
            end += 1
        yield _exchange(messages, start, end)
        start = end


def _exchange(messages: Sequence[BaseMessage], start: int, end: int) -> Exchange:
    head: list[int] = []
    rounds: list[ToolRound] = []
    standing: list[int] = []
    unusable: list[int] = []
    place = start
    while place < end:
        message = messages[place]
        after = place + 1
        if isinstance(message, SystemMessage):
            standing.append(place)
        elif calls := call_ids(message):
            after = _end_of_results(messages, after, end)
            usable = _answered_end(messages, calls, place + 1, after)
            if usable is None:
                unusable.extend(range(place, after))
            else:
                rounds.append(ToolRound(start=place, end=usable))
                unusable.extend(range(usable, after))
        elif isinstance(message, ToolMessage):
            unusable.append(place)
        else:
            head.append(place)
        place = after
    return Exchange(
        start=start,
        end=end,
        head=tuple(head),
        rounds=tuple(rounds),
        standing=tuple(standing),
        unusable=tuple(unusable),
        has_human=isinstance(messages[start], HumanMessage),
    )


def call_ids(message: BaseMessage) -> set[str | None]:
    """Ids of the tool calls that a message makes, valid or not."""
    if not isinstance(message, AIMessage):
        return set()
    return {call.get("id") for call in (*message.tool_calls, *message.invalid_tool_calls)}


def _end_of_results(messages: Sequence[BaseMessage], place: int, end: int) -> int:
    while place < end and isinstance(messages[place], ToolMessage):
        place += 1
    return place


def _answered_end(
    messages: Sequence[BaseMessage], calls: set[str | None], start: int, end: int
) -> int | None:
    """Place after the results that answer *calls*; None if one is missing."""
    open_calls = set(calls)
    for place in range(start, end):
        message = messages[place]
        if not isinstance(message, ToolMessage) or message.tool_call_id not in calls:
            return None if open_calls else place
        open_calls.discard(message.tool_call_id)
    return None if open_calls else end
