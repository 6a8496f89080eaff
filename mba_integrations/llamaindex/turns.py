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
    def awaits_answer(self) -> bool:
        """Whether it still lacks its answer: it has an open round, or nothing was answered."""
        return bool(self.open_round) or not self.answers

    @property
    def talk(self) -> tuple[int, ...]:
        """The turn without its tool rounds."""
        return (self.user, *self.answers)

    @property
    def whole(self) -> tuple[int, ...]:
        """Everything but an open round, in order."""
        return tuple(sorted((*self.talk, *(place for one in self.rounds for place in one))))


def turns_of(messages: Sequence[ChatMessage]) -> list[Turn]:
    """All turns of a history; what stands before the first user message belongs to none."""
    spoken = [i for i, message in enumerate(messages) if message.role not in SYSTEM_ROLES]
    begins = [k for k, i in enumerate(spoken) if messages[i].role is MessageRole.USER]
    spans = [spoken[begin:end] for begin, end in pairwise([*begins, len(spoken)])]
    return [
        turn_of([messages[i] for i in span], span, may_be_open=span is spans[-1]) for span in spans
    ]


def turn_of(messages: Sequence[ChatMessage], places: Sequence[int], *, may_be_open: bool) -> Turn:
    """One turn.

    Args:
        messages: A user message and what follows it until the next, without system messages.
        places: Their places in the history.
        may_be_open: Whether the history ends with them and the last round may still be open.
    """
    rounds, answers, open_round = _parts(messages, may_be_open)
    return Turn(
        user=places[0],
        rounds=tuple(tuple(places[k] for k in one) for one in rounds),
        answers=tuple(places[k] for k in answers),
        open_round=tuple(places[k] for k in open_round),
    )


def _parts(
    messages: Sequence[ChatMessage], may_be_open: bool
) -> tuple[list[tuple[int, ...]], list[int], tuple[int, ...]]:
    """Complete rounds, plain answers, and the open round, as places in *messages*."""
    rounds: list[tuple[int, ...]] = []
    answers: list[int] = []
    open_round: tuple[int, ...] = ()
    for group in _groups(messages):
        calls = _call_ids(messages[group[0]])
        if calls is None:
            answers.append(group[0])
            continue
        results = _matching(messages, group[1:], calls)
        one = (group[0], *results)
        if may_be_open and group[-1] == len(messages) - 1:
            open_round = one
        elif len(results) >= len(calls):
            rounds.append(one)
    return rounds, answers, open_round


def _groups(messages: Sequence[ChatMessage]) -> Iterator[list[int]]:
    """Each assistant message with the results that follow it; results without one are skipped."""
    group: list[int] = []
    for place in range(1, len(messages)):
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
    for turn in turns_of(messages):
        spoken = [messages[i] for i in turn.talk if messages[i].content]
        position = first_position + turn.user
        text = "\n".join(f"{message.role.value}: {message.content}" for message in spoken)
        if text:
            item_id = f"{source}/{position}"
            items.append(MemoryItem(item_id, text, tier, source=source, position=float(position)))
    return items
