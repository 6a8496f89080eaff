"""Which turns of a request are sent within a budget, by the rules of `conversation`.

What must be sent: system text, tools, schemas, memory, the last message of the user with the round
of tool calls that waits, and what an assistant says at the very end, which its reply goes on from.
Then come the recent window, chosen older exchanges, and long results shortened. A request that
fits is sent as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mba_integrations.conversation.conversation import Conversation
from mba_integrations.conversation.draft import Draft, Request
from mba_integrations.conversation.older import Chooser, conversation_workspace
from mba_integrations.conversation.pins import Part, Wording, check_pins
from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.dialogue.exchanges import begins_exchange
from mba_integrations.core.dialogue.roles import Role
from mba_integrations.services.gateway.wire.counting import RequestCounter
from mba_integrations.services.gateway.wire.reading import Read
from mba_integrations.services.gateway.wire.turns import Turn

SOURCE = "request_tokens"
_WORDING = Wording(question="last message of the user", system="system messages")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What of the turns is sent.

    Attributes:
        places: Places of the turns, in the order in which they are sent.
        texts: Texts of shortened results, by their places.
        tokens: What the whole request costs, memory included.
    """

    places: tuple[int, ...]
    texts: Mapping[int, str] = field(default_factory=dict)
    tokens: int


def chooser_for(counter: TokenCounter) -> Chooser:
    """Who chooses among older messages, with the settings that the package has by itself."""
    allocator = MemoryBudgetAllocator(counter)
    config = conversation_workspace(WorkspaceConfig(workspace_id="gateway"))
    allocator.register_workspace(config)
    return Chooser(allocator=allocator, workspace_id=config.workspace_id)


def room_for_memory(read: Read, counter: RequestCounter, budget_tokens: int | None) -> int | None:
    """Tokens beside what must be sent; None where nothing bounds the request.

    Raises:
        PinnedOverBudgetError: If what must be sent does not fit.
    """
    if budget_tokens is None:
        return None
    if _all_must_be_sent(read):
        _check_all(read, counter, (), budget_tokens)
        return budget_tokens - counter.total()
    return _draft(read, counter, (), budget_tokens, None).room_tokens


def kept_turns(
    read: Read,
    counter: RequestCounter,
    memory: Sequence[Part],
    budget_tokens: int | None,
    chooser: Chooser | None,
) -> Kept:
    """What of the turns is sent.

    Args:
        read: The request.
        counter: Counts it.
        memory: What is sent besides, with its tokens.
        budget_tokens: What the request may have; None for any number.
        chooser: Chooses older messages; None for the package's own.

    Raises:
        PinnedOverBudgetError: If what must be sent does not fit, with the numbers.
    """
    tokens = counter.total() + sum(more for _, more in memory)
    every = tuple(range(len(read.turns)))
    if budget_tokens is None or tokens <= budget_tokens:
        return Kept(places=every, tokens=tokens)
    if _all_must_be_sent(read):
        _check_all(read, counter, memory, budget_tokens)
    planned = _draft(read, counter, memory, budget_tokens, chooser).finish()
    tail = tuple(every[len(read.turns) - len(_tail(read.turns)) :])
    return Kept(places=(*planned.places, *tail), texts=planned.texts, tokens=planned.tokens)


def _draft(
    read: Read,
    counter: RequestCounter,
    memory: Sequence[Part],
    budget_tokens: int,
    chooser: Chooser | None,
) -> Draft[Turn]:
    tail = _tail(read.turns)
    conversation: Conversation[Turn] = Conversation(counter, question_first=True)
    conversation.update(read.turns[: len(read.turns) - len(tail)])
    request = Request(
        budget_tokens=budget_tokens,
        source=SOURCE,
        besides=(*counter.parts, *memory, *_tail_part(tail, counter)),
        frame_tokens=counter.frame_tokens,
        calls_may_wait=True,
        wording=_WORDING,
    )
    return Draft(conversation, request, chooser or chooser_for(counter.counter))


def _tail(turns: Sequence[Turn]) -> Sequence[Turn]:
    """What the assistant says at the end: its reply goes on from there, so it is sent, and last."""
    end = len(turns)
    while end and turns[end - 1].role is Role.ASSISTANT:
        end -= 1
    return turns[end:]


def _tail_part(tail: Sequence[Turn], counter: RequestCounter) -> tuple[Part, ...]:
    tokens = sum(map(counter.turn_tokens, tail))
    return (("beginning of the reply", tokens),) if tokens else ()


def _all_must_be_sent(read: Read) -> bool:
    """Whether nothing can be left out: the history is the provider's, or no user says anything."""
    return read.history_elsewhere or not any(map(begins_exchange, read.turns))


def _check_all(
    read: Read, counter: RequestCounter, memory: Sequence[Part], budget_tokens: int
) -> None:
    turns = sum(map(counter.turn_tokens, read.turns))
    frame = ("framing", counter.frame_tokens)
    parts = (*counter.parts, *memory, frame, ("messages", turns))
    check_pins(parts, budget_tokens, SOURCE)
