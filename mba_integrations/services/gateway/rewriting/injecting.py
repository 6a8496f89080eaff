"""Where memory stands in a request of each protocol.

    chat        a message of its own after the system messages that the conversation begins with;
                another before the last message of the user
    messages    a block at the end of `system`; a block in the last message of the user, after the
                results of tools that have to stand first, and before the user's words
    responses   at the end of `instructions` where there are any, else a message as in chat;
                another message before the last one of the user

What a provider keeps of a conversation would keep the memory too, and get it again with each turn.
So where the history is the provider's, or the input is one text, all of it goes into
`instructions`, which are not kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mba_integrations.core.config.gateway_settings import Inject
from mba_integrations.core.dialogue.roles import Role
from mba_integrations.services.gateway.rewriting.block import MemoryBlock, marked
from mba_integrations.services.gateway.rewriting.writing import Element
from mba_integrations.services.gateway.wire.counting import RequestCounter
from mba_integrations.services.gateway.wire.document import Document, array_of, document_of, written
from mba_integrations.services.gateway.wire.reading import Read

NO_PLACE = "A stored prompt has the instructions, so memory has no place."


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """Memory as it is put into one request.

    Attributes:
        system: What stands after the system text; empty for nothing.
        last: What stands before the last message of the user; empty for nothing.
        system_tokens: What the one costs.
        last_tokens: What the other costs.
        notes: Why memory is left out.
    """

    system: str = ""
    last: str = ""
    system_tokens: int = 0
    last_tokens: int = 0
    notes: tuple[str, ...] = ()

    @property
    def tokens(self) -> int:
        """Tokens of both."""
        return self.system_tokens + self.last_tokens

    def without_last(self) -> Injection:
        """Without what changes from turn to turn."""
        return replace(self, last="", last_tokens=0)


def injection_of(
    read: Read, memory: MemoryBlock | None, inject: Inject, counter: RequestCounter
) -> Injection:
    """Memory in its places, with what it costs there."""
    if memory is None or inject is Inject.OFF or not memory.whole.strip():
        return Injection()
    if _has_no_place(read):
        return Injection(notes=(NO_PLACE,))
    together = inject is Inject.SYSTEM or read.question is None or _in_instructions(read)
    system = marked(memory.whole if together else memory.stable)
    last = "" if together else marked(memory.changing)
    return Injection(
        system=system,
        last=last,
        system_tokens=counter.text_tokens(f"\n\n{system}") if system else 0,
        last_tokens=counter.text_tokens(last) if last else 0,
    )


def _has_no_place(read: Read) -> bool:
    stored = read.api == "responses" and read.value.get("prompt") is not None
    return stored and not read.value.get("instructions") and _in_instructions(read)


def _in_instructions(read: Read) -> bool:
    """Whether all of it goes into the instructions."""
    if read.api != "responses":
        return False
    return read.history_elsewhere or "input" not in read.document.elements


def is_in_array(read: Read) -> bool:
    """Whether what stands after the system text is a message in the array."""
    if read.api == "messages":
        return False
    return not (
        read.api == "responses" and (read.value.get("instructions") or _in_instructions(read))
    )


def system_member(read: Read, text: str) -> dict[str, str]:
    """The member with the system text and memory after it, as JSON; none where memory is not there.

    A text in the member stays as it was written: it becomes a block, or memory is appended to it.
    """
    name = read.system_member
    if name is None or not text or is_in_array(read):
        return {}
    document = read.document
    before = document.slice(document.members[name]) if read.value.get(name) else ""
    if read.api == "responses":
        return {
            name: f"{before[:-1]}{written(_after(before, text))[1:]}" if before else written(text)
        }
    block = written({"type": "text", "text": text})
    if name in document.elements:
        return {name: array_of([*map(document.slice, document.elements[name]), block])}
    return {name: array_of([f'{{"type":"text","text":{before}}}', block] if before else [block])}


def _after(before: str, text: str) -> str:
    return f"\n\n{text}" if before else text


def with_system_message(read: Read, elements: list[Element], injection: Injection) -> list[Element]:
    """The elements with memory after the system messages that they begin with."""
    if not injection.system or not is_in_array(read):
        return elements
    leading = 0
    while leading < len(elements) and _is_system(read, elements[leading]):
        leading += 1
    own = _message(read, injection.system, injection.system_tokens)
    return [*elements[:leading], own, *elements[leading:]]


def with_last(read: Read, elements: list[Element], injection: Injection) -> list[Element]:
    """The elements with memory before the last message of the user."""
    if not injection.last or read.question is None:
        return elements
    asked = read.question
    at = next(place for place, one in enumerate(elements) if asked in one.turns)
    if read.api == "messages":
        inside = _inside(elements[at], injection)
        return [*elements[:at], inside, *elements[at + 1 :]]
    own = _message(read, injection.last, injection.last_tokens)
    return [*elements[:at], own, *elements[at:]]


def _is_system(read: Read, element: Element) -> bool:
    return bool(element.turns) and read.turns[element.turns[0]].role is Role.SYSTEM


def _message(read: Read, text: str, tokens: int) -> Element:
    value = {"role": _role(read), "content": text}
    return Element(place=None, text=written(value), value=value, tokens=tokens)


def _role(read: Read) -> str:
    """The client's own name for system messages."""
    roles = (turn.raw[0].get("role") for turn in read.turns if turn.role is Role.SYSTEM)
    name = next(roles, None)
    return name if isinstance(name, str) else "developer" if read.api == "responses" else "system"


def _inside(element: Element, injection: Injection) -> Element:
    """A user's message with memory before the user's words."""
    message = document_of(element.text)
    block = written({"type": "text", "text": injection.last})
    blocks = _blocks(message)
    first = _results(message)
    content = array_of([*blocks[:first], block, *blocks[first:]])
    return replace(
        element,
        text=message.with_members({"content": content}),
        value=None,
        tokens=element.tokens + injection.last_tokens,
    )


def _blocks(message: Document) -> list[str]:
    if "content" in message.elements:
        return [*map(message.slice, message.elements["content"])]
    return [f'{{"type":"text","text":{message.slice(message.members["content"])}}}']


def _results(message: Document) -> int:
    """How many results of tools the content has up to the last one."""
    content = message.value["content"]
    if isinstance(content, str):
        return 0
    places = [at for at, one in enumerate(content) if one["type"] == "tool_result"]
    return max(places, default=-1) + 1
