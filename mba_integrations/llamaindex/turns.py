"""A chat history in units that stand or fall together.

An assistant message with tool calls and all its results are a round. A turn is a user message and
what follows until the next one. What no provider accepts is left out: results without their call,
calls without all their results (unless they are still open), and what stands before the first
user message. Linear in the number of messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from llama_index.core.base.llms.types import ChatMessage, MessageRole, ToolCallBlock

from mba_integrations.core.model import MemoryItem, MemoryTier, TierName
from mba_integrations.llamaindex.message_tokens import calls_of, field_of

SYSTEM_ROLES = frozenset({MessageRole.SYSTEM, MessageRole.DEVELOPER})
RESULT_ROLES = frozenset({MessageRole.TOOL, MessageRole.FUNCTION})


@dataclass(frozen=True, slots=True)
class Turn:
    """A user message with its answer, as places of messages.

    Attributes:
        user: Place of the user message.
        rounds: Tool rounds that are complete.
        answers: Assistant messages without tool calls.
        open_round: The round that the conversation ends with, answered or not; empty if it ends
            otherwise.
    """

    user: int
    rounds: tuple[tuple[int, ...], ...]
    answers: tuple[int, ...]
    open_round: tuple[int, ...] = ()

    @property
    def talk(self) -> tuple[int, ...]:
        """The turn without its tool rounds."""
        return (self.user, *self.answers)

    @property
    def whole(self) -> tuple[int, ...]:
        """Everything but an open round, in order."""
        return tuple(sorted((*self.talk, *(place for one in self.rounds for place in one))))


@dataclass(frozen=True, slots=True)
class Conversation:
    """A history, taken apart.

    Attributes:
        system: Places of system messages.
        turns: From the first to the last.
    """

    system: tuple[int, ...]
    turns: tuple[Turn, ...]

    @property
    def awaits_answer(self) -> bool:
        """Whether the last turn still lacks its answer: it ends with its user or an open round."""
        return bool(self.turns) and bool(self.turns[-1].open_round or not self.turns[-1].answers)


def conversation_of(messages: Sequence[ChatMessage], *, user_follows: bool = False) -> Conversation:
    """Take *messages* apart.

    Args:
        messages: A history, with or without system messages.
        user_follows: Whether another user message comes after them, so that no round is open.
    """
    system = tuple(i for i, message in enumerate(messages) if message.role in SYSTEM_ROLES)
    spoken = [i for i, message in enumerate(messages) if message.role not in SYSTEM_ROLES]
    begins = [k for k, i in enumerate(spoken) if messages[i].role is MessageRole.USER]
    turns = tuple(
        _turn(messages, spoken[begin:end], is_last=end == len(spoken) and not user_follows)
        for begin, end in pairwise([*begins, len(spoken)])
    )
    return Conversation(system, turns)


def _turn(messages: Sequence[ChatMessage], places: Sequence[int], *, is_last: bool) -> Turn:
    rounds, answers, open_round = _parts(messages, places[1:], is_last=is_last)
    return Turn(places[0], tuple(rounds), tuple(answers), open_round)


def _parts(
    messages: Sequence[ChatMessage], places: Sequence[int], *, is_last: bool
) -> tuple[list[tuple[int, ...]], list[int], tuple[int, ...]]:
    """Complete rounds, plain answers, and the open round at the end of the history."""
    rounds: list[tuple[int, ...]] = []
    answers: list[int] = []
    open_round: tuple[int, ...] = ()
    for group in _groups(messages, places):
        calls = _call_ids(messages[group[0]])
        if calls is None:
            answers.append(group[0])
            continue
        results = _matching(messages, group[1:], calls)
        one = (group[0], *results)
        if is_last and group[-1] == places[-1]:
            open_round = one
        elif len(results) >= len(calls):
            rounds.append(one)
    return rounds, answers, open_round


def _groups(messages: Sequence[ChatMessage], places: Sequence[int]) -> Iterator[list[int]]:
    """Each assistant message with the results that follow it; results without one are skipped."""
    group: list[int] = []
    for place in places:
        if messages[place].role not in RESULT_ROLES:
            if group:
                yield group
            group = [place]
        elif group:
            group.append(place)
    if group:
        yield group


def _call_ids(message: ChatMessage) -> list[str] | None:
    """Ids of the message's tool calls, one for each call, "" where it has none; None without calls.

    Integrations write a call as a block, in `additional_kwargs`, or both.
    """
    ids = [block.tool_call_id or "" for block in message.blocks if isinstance(block, ToolCallBlock)]
    if not ids:
        calls = calls_of(message.additional_kwargs)
        ids = [str(field_of(call, "id") or field_of(call, "tool_id") or "") for call in calls]
    return ids or None


def _matching(
    messages: Sequence[ChatMessage], places: Sequence[int], calls: Sequence[str]
) -> list[int]:
    """The results among *places* that answer one of the calls; each call is answered once."""
    waiting = list(calls)
    found = []
    for place in places:
        answered = str(messages[place].additional_kwargs.get("tool_call_id") or "")
        if answered in waiting:
            waiting.remove(answered)
        elif waiting and (not answered or "" in waiting):
            waiting.remove("" if "" in waiting else waiting[0])
        else:
            continue
        found.append(place)
    return found


def items_from_messages(
    messages: Sequence[ChatMessage],
    *,
    source: str,
    tier: MemoryTier | TierName = MemoryTier.LONG_TERM,
    first_position: int = 0,
) -> list[MemoryItem]:
    """One item for each turn of a conversation, for a pool of long-term memory.

    Args:
        messages: A history. System messages and tool rounds are left out.
        source: Names the conversation; ids are `source` and the place of the user message.
        tier: Tier of all items.
        first_position: Place of the first message in the conversation.
    """
    items = []
    for turn in conversation_of(messages).turns:
        spoken = [messages[i] for i in turn.talk if messages[i].content]
        position = first_position + turn.user
        text = "\n".join(f"{message.role.value}: {message.content}" for message in spoken)
        if text:
            item_id = f"{source}/{position}"
            items.append(MemoryItem(item_id, text, tier, source=source, position=float(position)))
    return items
