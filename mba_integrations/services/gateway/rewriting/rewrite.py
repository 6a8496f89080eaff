"""`rewrite`: a request as it is sent on, and what was done to it.

>>> from mba_integrations.core.config.gateway_settings import Inject
>>> from mba_integrations.testing import WordCounter
>>> from mba_integrations.services.gateway.wire.reading import read
>>> body = b'{"messages": [{"role": "user", "content": "Where?"}], "temperature": 1.0}'
>>> memory = MemoryBlock(stable="- Kate lives in Oslo.")
>>> sent = rewrite(read("chat", body), WordCounter(), memory=memory, inject=Inject.SYSTEM)
>>> print(sent.body.decode())
{"messages": [{"role":"system","content":"<memory>\\n- Kate lives in Oslo.\\n</memory>"},\
{"role": "user", "content": "Where?"}], "temperature": 1.0}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mba_integrations.conversation.older import Chooser
from mba_integrations.conversation.pins import Part as Named
from mba_integrations.core.config.gateway_settings import Inject
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.services.gateway.rewriting.block import MemoryBlock
from mba_integrations.services.gateway.rewriting.injecting import (
    Injection,
    injection_of,
    system_member,
    with_last,
    with_system_message,
)
from mba_integrations.services.gateway.rewriting.plan import Plan
from mba_integrations.services.gateway.rewriting.prefix import Part, Sent, sent_of, shared_tokens
from mba_integrations.services.gateway.rewriting.shortening import (
    Kept,
    kept_turns,
    room_for_memory,
)
from mba_integrations.services.gateway.rewriting.writing import Element, elements_of
from mba_integrations.services.gateway.wire.counting import RequestCounter
from mba_integrations.services.gateway.wire.document import array_of
from mba_integrations.services.gateway.wire.reading import LISTED, Read

NO_ROOM = "Memory has no room beside what must be sent."
NO_ROOM_FOR_CHANGING = "The part of memory that changes has no room beside what must be sent."
ELSEWHERE = "The provider has a part of the conversation, so nothing of it is left out or counted."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """A request as it is sent on.

    Attributes:
        body: What is sent: the very bytes that came, where nothing had to be changed.
        plan: What was done.
        sent: What the session's next request is compared with; None where nothing was counted.
    """

    body: bytes
    plan: Plan
    sent: Sent | None = None

    def with_note(self, note: str) -> Rewritten:
        """The same, with what else was not done."""
        return replace(self, plan=replace(self.plan, notes=(*self.plan.notes, note)))


def rewrite(
    request: Read,
    counter: TokenCounter | RequestCounter,
    *,
    memory: MemoryBlock | None = None,
    inject: Inject = Inject.OFF,
    request_tokens: int | None = None,
    before: Sent | None = None,
    chooser: Chooser | None = None,
) -> Rewritten:
    """Put memory into a request and hold the whole to a budget.

    Args:
        request: What the request says.
        counter: Counts texts; the request's own counter, where it was counted before.
        memory: What memory says; None for nothing. It gives way where it has no room.
        inject: Where memory is put.
        request_tokens: What the whole request may have; None for any number.
        before: What the session sent before.
        chooser: Chooses older messages; None for the package's own.

    Raises:
        PinnedOverBudgetError: If what must be sent has more than *request_tokens*, with the
            numbers.
    """
    if request_tokens is None and (inject is Inject.OFF or memory is None):
        return Rewritten(body=_came(request), plan=Plan())
    counts = _counts(counter, request)
    injection = _fitting(
        request, counts, injection_of(request, memory, inject, counts), request_tokens, chooser
    )
    kept = kept_turns(request, counts, _named(injection), request_tokens, chooser, before)
    return _written(request, counts, kept, injection, before, memory, request_tokens)


def memory_room(
    request: Read,
    counter: TokenCounter | RequestCounter,
    request_tokens: int | None,
    chooser: Chooser | None = None,
) -> int | None:
    """Tokens that memory could have beside what must be sent; None for any number.

    Raises:
        PinnedOverBudgetError: As for `rewrite`.
    """
    return room_for_memory(request, _counts(counter, request), request_tokens, chooser)


def _counts(counter: TokenCounter | RequestCounter, request: Read) -> RequestCounter:
    return counter if isinstance(counter, RequestCounter) else RequestCounter(counter, request)


def _fitting(
    request: Read,
    counts: RequestCounter,
    injection: Injection,
    request_tokens: int | None,
    chooser: Chooser | None,
) -> Injection:
    """Memory as far as there is room beside what must be sent."""
    if not injection.tokens or request_tokens is None:
        return injection
    room = room_for_memory(request, counts, request_tokens, chooser) or 0
    if injection.tokens <= room:
        return injection
    if injection.last and 0 < injection.system_tokens <= room:
        return replace(injection.without_last(), notes=(NO_ROOM_FOR_CHANGING,))
    return Injection(notes=(NO_ROOM,))


def _named(injection: Injection) -> tuple[Named, ...]:
    return (("memory", injection.tokens),) if injection.tokens else ()


def _written(
    request: Read,
    counts: RequestCounter,
    kept: Kept,
    injection: Injection,
    before: Sent | None,
    memory: MemoryBlock | None,
    request_tokens: int | None,
) -> Rewritten:
    tokens = _turn_tokens(request, counts, kept)
    own = elements_of(request, kept, tokens)
    elements = with_last(request, with_system_message(request, own, injection), injection)
    member = system_member(request, injection.system)
    parts = _parts(request, counts, elements, member, injection)
    sent = sent_of(parts, kept.base)
    changed = bool(injection.tokens or kept.texts) or len(kept.places) < len(request.turns)
    elsewhere = (ELSEWHERE,) if request.history_elsewhere and request_tokens is not None else ()
    plan = Plan(
        changed=changed,
        dropped=_dropped(request, kept),
        shortened=tuple(sorted(_places(request, kept.texts))),
        injected_tokens=injection.tokens,
        tokens_before=counts.total(),
        tokens_after=kept.tokens,
        budget_tokens=request_tokens,
        prefix_tokens=shared_tokens(parts, sent, before),
        allocation_id=memory.allocation_id if memory is not None and injection.tokens else None,
        notes=(*injection.notes, *elsewhere),
    )
    body = _body(request, elements, member, own) if changed else _came(request)
    return Rewritten(body=body, plan=plan, sent=sent)


def _body(
    request: Read, elements: Sequence[Element], member: dict[str, str], own: Sequence[Element]
) -> bytes:
    name = LISTED[request.api]
    changed = dict(member)
    if name in request.document.elements or len(elements) > len(own):
        changed[name] = array_of(element.text for element in elements)
    return request.document.with_members(changed).encode()


def _came(request: Read) -> bytes:
    """The bytes that were read: a text that was decoded strictly has the same ones again."""
    return request.document.text.encode()


def _turn_tokens(request: Read, counts: RequestCounter, kept: Kept) -> list[int]:
    """Tokens of each turn as it is sent."""
    tokens = [message.tokens for message in counts.read(request.turns)]
    for place, text in kept.texts.items():
        (message,) = counts.read([request.turns[place]])
        tokens[place] = (message.bare_tokens or 0) + counts.counter.count(text)
    return tokens


def _parts(
    request: Read,
    counts: RequestCounter,
    elements: Sequence[Element],
    member: dict[str, str],
    injection: Injection,
) -> list[Part]:
    """What is sent, in the order in which a provider's cache reads it."""
    named = dict(counts.parts)
    name = request.system_member
    system = request.value.get(name) if name else None
    parts = [Part(value=request.value.get("tools"), tokens=named.get("tool definitions", 0))]
    parts.append(Part(value=system, tokens=named.get("system prompt", 0)))
    if member:
        parts.append(Part(value=injection.system, tokens=injection.system_tokens))
    parts += [Part(value=_value(one), tokens=one.tokens) for one in elements]
    return parts


def _value(element: Element) -> object:
    return json.loads(element.text) if element.value is None else element.value


def _dropped(request: Read, kept: Kept) -> tuple[int, ...]:
    """Places in the client's array of which nothing is sent."""
    gone = set(range(len(request.turns))) - set(kept.places)
    return tuple(sorted(_places(request, gone) - _places(request, kept.places)))


def _places(request: Read, turns: Iterable[int]) -> set[int]:
    found = (request.turns[place] for place in turns)
    return {place for turn in found for place in range(turn.start, turn.end)}
