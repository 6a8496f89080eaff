"""What the memory service recalls for a request, in a part that stays and one that does not.

A provider's cache keeps the history only as long as nothing before it changes. So memories that
stand before it are held there from turn to turn, up to half of what memory may have, whether or not
a turn's own choice has them. What else a turn chooses stands behind the history, before the last
message of the user.

Holding other memories costs the history once, since it has to be read anew. It is done where a
memory that is held is no longer to be sent, which costs that anyway; and where memories behind the
history were sent again and again for as many tokens as the history has:

    turn   chosen   before the history   behind   sent again so far
    1      A B      A B                  -        0
    2      A C      A B                  C        0
    3      A C      A B                  C        C
    4      A C D    A C                  D        0     2 C is what the history has
    5      C E      C                    E        0     A is forgotten

What is held is known by ids and digests, and no text is kept; so a session goes on after a restart,
and nothing that was erased comes back. Working memory is left out: it is the running conversation,
which stands in the request. What was said elsewhere comes in once it is in another tier.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.result.decision import Decision
from mba_integrations.services.gateway.rewriting.block import MemoryBlock, marked
from mba_integrations.services.gateway.rewriting.held import Held
from mba_integrations.services.gateway.wire.reading import Read
from mba_integrations.services.memory.recalling.reply import RecallReply
from mba_integrations.services.memory.service import MemoryService

RECALLED = (MemoryTier.PROJECT, MemoryTier.LONG_TERM, MemoryTier.RAG)
"""All but the running conversation."""
_AROUND_TOKENS = 16
"""About what the marks around two parts cost."""
_HELD_PART = 2
"""Half of the memory may be held; the other half is for what a turn asks."""
_MOST_QUERY_CHARS = 16 * 1024
"""Of a longer query the beginning; recall reads 64 KiB at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What memory says for a request.

    Attributes:
        block: To be put into the request.
        held: To be kept for the session's next request.
    """

    block: MemoryBlock
    held: Held


def recalled(
    service: MemoryService,
    workspace_id: str,
    request: Read,
    *,
    memory_tokens: int,
    session_id: str | None = None,
    subject: str | None = None,
    held: Held | None = None,
    history_tokens: int = 0,
) -> Recalled | None:
    """What memory says for a request; None where nothing is asked or there is no room.

    Args:
        service: The memories.
        workspace_id: Of which workspace.
        request: What the request says.
        memory_tokens: What both parts may have together as they are sent, by the workspace's
            counter.
        session_id: The conversation, whose last choice the next one follows.
        subject: Only memories about this person.
        held: What the session held before; None for nothing.
        history_tokens: What the request costs besides: holding other memories costs as much.

    Raises:
        InputError, PinnedOverBudgetError, UnknownWorkspaceError: As for `MemoryService.recall`.
    """
    query = request.searched[:_MOST_QUERY_CHARS].encode("utf-8", "replace").decode()
    if memory_tokens < 1 or not query.strip():
        return None
    asked = _digest(f"{request.question}:{request.query}")

    def divided(reply: RecallReply) -> Recalled:
        return _Dividing(reply, held or Held(), asked, memory_tokens, history_tokens).recalled()

    reply = service.recall(
        workspace_id,
        query,
        budget_tokens=memory_tokens,
        session_id=session_id,
        tiers=RECALLED,
        subject=subject,
        written=lambda reply: _sent(divided(reply).block),
        around_tokens=_AROUND_TOKENS,
    )
    return divided(reply)


class _Dividing:
    """Divides what was chosen into what is held and what stands behind the history.

    Args:
        reply: What was chosen, and from what.
        held: What was held before.
        asked: Stands for the question, which comes again with each result of a tool.
        memory_tokens: What memory may have.
        history_tokens: What holding others costs.
    """

    def __init__(
        self, reply: RecallReply, held: Held, asked: str, memory_tokens: int, history_tokens: int
    ) -> None:
        self._reply = reply
        self._decided: Decision = reply.allocation.decided
        self._held = held
        self._asked = asked
        self._most_held = memory_tokens // _HELD_PART
        self._history_tokens = history_tokens
        self._rows: list[int] = self._decided.rows.tolist()

    def recalled(self) -> Recalled:
        """Both parts, and what is held from now on."""
        held = self._still_held()
        resent = self._resent_tokens(held)
        if not held or resent >= max(1, self._history_tokens):
            held, resent = self._worth_holding(), 0
        behind = [row for row in self._rows if row not in held]
        now = Held(
            items=tuple((self._item(row).id, _digest(self._item(row).content)) for row in held),
            behind=tuple(self._item(row).id for row in behind),
            asked=self._asked,
            resent_tokens=resent,
        )
        block = MemoryBlock(
            stable=self._text(map(self._item, held)),
            changing=self._text(map(self._shown, behind)),
            allocation_id=self._reply.allocation_id,
        )
        return Recalled(block=block, held=now)

    def _still_held(self) -> list[int]:
        """Rows of what is held, if all of it may still be sent as it was; else none."""
        rows: list[int] = []
        for memory_id, digest in self._held.items:
            row = self._decided.problem.snapshot.ids.get(memory_id)
            if row is None or _digest(self._item(row).content) != digest:
                return []
            rows.append(row)
        return rows

    def _resent_tokens(self, held: Sequence[int]) -> int:
        """Tokens that stood behind the history in more than one turn, those of now included."""
        if self._asked == self._held.asked:
            return self._held.resent_tokens
        before = set(self._held.behind)
        rows = (row for row in self._rows if row not in held)
        again = [row for row in rows if self._item(row).id in before]
        return self._held.resent_tokens + self._tokens(again)

    def _worth_holding(self) -> list[int]:
        """Rows that are held from now on: pinned memories, those that came again, then others."""
        before = set(self._held.behind)
        found: list[int] = []
        left = self._most_held

        def rank(row: int) -> tuple[bool, bool]:
            item = self._item(row)
            return not item.pinned, item.id not in before

        for row in sorted(self._rows, key=rank):
            tokens = self._tokens([row])
            if row not in self._decided.passages and tokens <= left:
                found.append(row)
                left -= tokens
        return found

    def _item(self, row: int) -> MemoryItem:
        return self._decided.item(row)

    def _shown(self, row: int) -> MemoryItem:
        """The memory as the prompt has it, which may be a part of it."""
        item = self._item(row)
        passage = self._decided.passages.get(row)
        return item if passage is None else replace(item, content=passage)

    def _tokens(self, rows: Sequence[int]) -> int:
        places = np.array(rows, dtype=np.int64)
        return int(self._decided.problem.tokens.of(places).sum()) if rows else 0

    def _text(self, items: Iterable[MemoryItem]) -> str:
        layout = self._decided.problem.layout
        listed = list(items)
        tiers = [
            (tier, [one for one in listed if one.tier is tier]) for tier in layout.section_order
        ]
        return layout.write([(tier, found) for tier, found in tiers if found]).text


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _sent(block: MemoryBlock) -> tuple[str, ...]:
    return tuple(text for text in map(marked, (block.stable, block.changing)) if text)
