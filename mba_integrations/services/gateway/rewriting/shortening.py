"""Which turns of a request are sent within a budget, by the rules of `conversation`.

What must be sent: system text, tools, schemas, memory, the last message of the user with the round
of tool calls that waits, and what an assistant says at the very end, which its reply goes on from.
Then come the recent window, chosen older exchanges, and long results shortened. A request that
fits is sent as it is.

To choose anew in each turn would change the beginning in each turn, and a provider's cache would
find nothing. So in a session what does not fit is brought down to three quarters of the budget, and
what is chosen then stays, with all that comes after it, until that is over the budget:

    budget 100, turns of 10       1 2 3 4 5 6 7 8 9 10     100, fits
    one more: down to 75          2 5 6 7 8 9 10 11         80 with the new one, say
    and two more                  2 5 6 7 8 9 10 11 12 13   100, the beginning as before

Of that nothing is kept but how many turns it was chosen from, their digest, and the room: the same
choice is made from them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from mba_integrations.core.errors import PinnedOverBudgetError
from mba_integrations.services.gateway.rewriting.prefix import Base, Sent, chained
from mba_integrations.services.gateway.wire.counting import RequestCounter
from mba_integrations.services.gateway.wire.reading import Read
from mba_integrations.services.gateway.wire.turns import Turn

SOURCE = "request_tokens"
_BASE_PART = 0.75
"""What a session's history is brought down to, as a part of the budget."""
_WORDING = Wording(question="last message of the user", system="system messages")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What of the turns is sent.

    Attributes:
        places: Places of the turns, in the order in which they are sent.
        texts: Texts of shortened results, by their places.
        tokens: What the whole request costs, memory included.
        base: What the session's next request begins with; None where it is chosen anew.
    """

    places: tuple[int, ...]
    texts: Mapping[int, str] = field(default_factory=dict)
    tokens: int
    base: Base | None = None


def chooser_for(counter: TokenCounter) -> Chooser:
    """Who chooses among older messages, with the settings that the package has by itself."""
    allocator = MemoryBudgetAllocator(counter)
    config = conversation_workspace(WorkspaceConfig(workspace_id="gateway"))
    allocator.register_workspace(config)
    return Chooser(allocator=allocator, workspace_id=config.workspace_id)


def room_for_memory(
    read: Read, counter: RequestCounter, budget_tokens: int | None, chooser: Chooser | None
) -> int | None:
    """Tokens beside what must be sent; None where nothing bounds the request.

    Raises:
        PinnedOverBudgetError: If what must be sent does not fit.
    """
    if budget_tokens is None:
        return None
    if _all_must_be_sent(read):
        _check_all(read, counter, (), budget_tokens)
        return budget_tokens - counter.total()
    return _draft(read, counter, (), budget_tokens, chooser).room_tokens


def kept_turns(
    read: Read,
    counter: RequestCounter,
    memory: Sequence[Part],
    budget_tokens: int | None,
    chooser: Chooser | None,
    before: Sent | None = None,
) -> Kept:
    """What of the turns is sent.

    Args:
        read: The request.
        counter: Counts it.
        memory: What is sent besides, with its tokens.
        budget_tokens: What the request may have; None for any number.
        chooser: Chooses older messages; None for the package's own.
        before: What the session sent before; None for a request that stands alone.

    Raises:
        PinnedOverBudgetError: If what must be sent does not fit, with the numbers.
    """
    besides = counter.frame_tokens + sum(more for _, more in (*counter.parts, *memory))
    tokens = counter.total() + sum(more for _, more in memory)
    every = tuple(range(len(read.turns)))
    if budget_tokens is None or tokens <= budget_tokens:
        return Kept(places=every, tokens=tokens)
    if _all_must_be_sent(read):
        _check_all(read, counter, memory, budget_tokens)
    choice = _Choice(read, counter, chooser or chooser_for(counter.counter))
    for base in _bases(read, besides, budget_tokens, before):
        kept = choice.on(base, besides)
        if kept is not None and kept.tokens <= budget_tokens:
            return kept
    planned = _draft(read, counter, memory, budget_tokens, choice.chooser).finish()
    tail = every[len(read.turns) - len(_tail(read.turns)) :]
    return Kept(places=(*planned.places, *tail), texts=planned.texts, tokens=planned.tokens)


def _bases(read: Read, besides: int, budget_tokens: int, before: Sent | None) -> Iterator[Base]:
    """What to try in a session: what the last request began with, and a new one."""
    if before is None:
        return
    old = before.base
    if old is not None and old.digest == _digest(read.turns[: old.turns]):
        yield old
    turns = len(read.turns) - len(_tail(read.turns))
    room = int(budget_tokens * _BASE_PART) - besides
    yield Base(turns=turns, tokens=room, digest=_digest(read.turns[:turns]))


class _Choice:
    """Chooses from the first turns of a request, and sends all that follow."""

    def __init__(self, read: Read, counter: RequestCounter, chooser: Chooser) -> None:
        self.chooser = chooser
        self._read = read
        self._counter = counter

    def on(self, base: Base, besides: int) -> Kept | None:
        """What is sent on a base; None where what must be sent does not fit into it."""
        turns = self._read.turns
        conversation = _conversation(self._counter, turns[: base.turns])
        request = Request(budget_tokens=base.tokens, calls_may_wait=True, wording=_WORDING)
        try:
            planned = Draft(conversation, request, self.chooser).finish()
        except PinnedOverBudgetError:
            return None
        following = range(base.turns, len(turns))
        added = sum(self._counter.turn_tokens(turns[place]) for place in following)
        return Kept(
            places=(*planned.places, *following),
            texts=planned.texts,
            tokens=planned.tokens + added + besides,
            base=base,
        )


def _digest(turns: Sequence[Turn]) -> str:
    sent = chained((turn.raw, turn.block) for turn in turns)
    return sent[-1] if sent else ""


def _conversation(counter: RequestCounter, turns: Sequence[Turn]) -> Conversation[Turn]:
    conversation: Conversation[Turn] = Conversation(counter, question_first=True)
    conversation.update(turns)
    return conversation


def _draft(
    read: Read,
    counter: RequestCounter,
    memory: Sequence[Part],
    budget_tokens: int,
    chooser: Chooser | None,
) -> Draft[Turn]:
    tail = _tail(read.turns)
    request = Request(
        budget_tokens=budget_tokens,
        source=SOURCE,
        besides=(*counter.parts, *memory, *_tail_part(tail, counter)),
        frame_tokens=counter.frame_tokens,
        calls_may_wait=True,
        wording=_WORDING,
    )
    conversation = _conversation(counter, read.turns[: len(read.turns) - len(tail)])
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
