"""Conversations of no framework: named messages, what reads them, what a provider says of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from fakes import CharCounter
from hypothesis import strategies as st
from strategies import rows_of

from mba_integrations import MemoryBudgetAllocator, TokenCounter, WorkspaceConfig
from mba_integrations.conversation.conversation import Conversation
from mba_integrations.conversation.draft import Draft, Planned, Request
from mba_integrations.conversation.message import Message
from mba_integrations.conversation.older import Chooser, conversation_workspace
from mba_integrations.core.dialogue.roles import Role

FRAME = 4


@dataclass(slots=True)
class Said:
    """A message as a framework would have it; it can be changed in place."""

    role: Role
    text: str = ""
    call_ids: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()


def user(text: str = "u", *answers: str) -> Said:
    return Said(Role.USER, text, answers=answers)


def ai(text: str = "a", *calls: str) -> Said:
    return Said(Role.ASSISTANT, text, call_ids=calls)


def result(call: str, text: str = "r") -> Said:
    return Said(Role.RESULT, text, answers=(call,) if call else ())


def system(text: str = "s") -> Said:
    return Said(Role.SYSTEM, text)


@dataclass(slots=True)
class TalkReader:
    """Reads `Said`; the frame of a message costs 4. `read_texts` has what was read, in order."""

    counter: TokenCounter = field(default_factory=CharCounter)
    read_texts: list[str] = field(default_factory=list)

    def marks(self, messages: Sequence[Said]) -> list[object]:
        return [one.text for one in messages]

    def read(self, messages: Sequence[Said]) -> list[Message]:
        self.read_texts += [one.text for one in messages]
        return [
            Message(
                role=one.role,
                text=one.text,
                tokens=FRAME + self.counter.count(one.text),
                call_ids=one.call_ids,
                answers=one.answers,
                bare_tokens=FRAME if one.role is Role.RESULT else None,
            )
            for one in messages
        ]


def chooser(counter: TokenCounter | None = None) -> Chooser:
    """The core with its defaults."""
    allocator = MemoryBudgetAllocator(token_counter=counter or CharCounter())
    config = conversation_workspace(WorkspaceConfig(workspace_id="talk"))
    allocator.register_workspace(config)
    return Chooser(allocator=allocator, workspace_id=config.workspace_id)


def conversation(
    messages: Sequence[Said], counter: TokenCounter | None = None
) -> Conversation[Said]:
    """A conversation that holds *messages*."""
    made: Conversation[Said] = Conversation(TalkReader(counter or CharCounter()))
    made.update(messages)
    return made


CHOOSER = chooser()


def planned(messages: Sequence[Said], budget_tokens: int, **options: object) -> Planned:
    """What is sent of *messages* within a budget, made anew."""
    request = Request(budget_tokens=budget_tokens, **options)  # type: ignore[arg-type]
    return Draft(conversation(messages), request, CHOOSER).finish()


def shown(messages: Sequence[Said], plan: Planned) -> list[str]:
    """Texts that are sent, in their order."""
    return [plan.texts.get(place, messages[place].text) for place in plan.places]


def problems(messages: Sequence[Said], *, calls_may_wait: bool = False) -> list[str]:
    """What a provider would say of a conversation that is sent; written apart from the library."""
    found: list[str] = []
    waiting: list[str] = []
    for one in messages:
        answered = list(one.answers) or ([""] if one.role is Role.RESULT else [])
        for call in answered:
            if call in waiting:
                waiting.remove(call)
            elif waiting and (not call or "" in waiting):
                waiting.remove("" if "" in waiting else waiting[0])
            else:
                found.append(f"result {call!r} without its call")
        if waiting and not answered:
            found.append(f"calls {waiting} without results before {one.text!r}")
            waiting = []
        waiting += one.call_ids
    if waiting and not calls_may_wait:
        found.append(f"calls {waiting} at the end")
    return found


_KINDS: tuple[Callable[[int, str, str], list[Said]], ...] = (
    lambda number, words, call: [user(f"{number} {words}")],
    lambda number, words, call: [ai(f"{number} {words}")],
    lambda number, words, call: [system(f"{number} {words[:9]}")],
    lambda number, words, call: [ai(words[:5], call)],
    lambda number, words, call: [result(call, words)],
    lambda number, words, call: [user(words, f"c{number}")],
    lambda number, words, call: [ai("", f"c{number}"), result(f"c{number}", words)],
    lambda number, words, call: [
        *(ai("", f"c{number}", "b"), system("in"), result("b"), user(words, f"c{number}"))
    ],
)
_TEXTS = ("oslo", "tram " * 3, "filler words here. " * 9, "error: " + "x" * 90)
_CALLS = ("a", "b", "c{}", "")
_PARTS = list(product(_KINDS, _TEXTS, _CALLS))


@st.composite
def talks(draw: st.DrawFn, max_size: int = 14) -> list[Said]:
    """Any messages in any order, with whole rounds, broken ones and strays among them."""
    parts = draw(_rows_of_parts(draw(st.integers(0, max_size))))
    return [
        one
        for number, (kind, words, call) in enumerate(parts)
        for one in kind(number, words, call.format(number))
    ]


@functools.cache  # to make strategies costs more than to draw from them
def _rows_of_parts(size: int) -> st.SearchStrategy[list[Any]]:
    return rows_of(_PARTS, min_size=size, max_size=size)
