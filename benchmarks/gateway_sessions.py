"""How much of each prompt a provider's cache can reuse, in sessions through the gateway.

    python -m benchmarks.gateway_sessions [--turns 30] [--sessions 3] [--request-tokens N]

A session has a system text, tools, a memory service on a file with 400 facts, and a question in
each turn, most of them about the topic of the one before; some answers come after calls of tools.
Each turn is sent as a client sends it, with the whole history, and new turns are remembered.
Half of the sessions lose the process in the middle: the service is opened again, and what the
gateway keeps of a session has been through JSON.

Printed are two counts of the shared beginning, as a part of all prompt tokens: that of the plan, by
digests of the parts, and one made here, of the two prompts as texts. In the first turn nothing can
be shared; the last column is without it.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mba_integrations import MemoryItem, MemoryTier, TokenCounter, counter_for_model
from mba_integrations.core.config.gateway_settings import Inject
from mba_integrations.core.counting.cached_counter import CachedCounter
from mba_integrations.services.gateway.rewriting.held import Held
from mba_integrations.services.gateway.rewriting.memory import recalled
from mba_integrations.services.gateway.rewriting.prefix import Sent
from mba_integrations.services.gateway.rewriting.remembering import remember_turns
from mba_integrations.services.gateway.rewriting.rewrite import Rewritten, rewrite
from mba_integrations.services.gateway.wire.apis import Api
from mba_integrations.services.gateway.wire.counting import RequestCounter
from mba_integrations.services.gateway.wire.reading import Unread, read
from mba_integrations.services.gateway.wire.replies import Reply
from mba_integrations.services.memory.service import MemoryService

APIS: tuple[Api, ...] = ("chat", "messages", "responses")
LISTED = {"chat": "messages", "messages": "messages", "responses": "input"}
WORKSPACE = "gateway"
MEMORY_TOKENS = 800
_TOPICS = ("ferry", "budget", "schema", "garden", "invoice", "camera", "kernel", "wedding")
_ASPECTS = ("price", "owner", "deadline", "colour", "version", "place", "supplier", "risk")
_PLAIN = ("the", "and", "is", "we", "of", "then", "that", "it", "for", "with", "so", "now", "in")


@dataclass(kw_only=True)
class Figures:
    """Tokens over the turns of sessions.

    Attributes:
        prompt: Of all prompts.
        first: Of the first prompts of sessions.
        planned: Shared beginnings, as the plans say.
        written: Of all prompts as texts.
        shared: Shared beginnings, as texts.
        texts: The prompts.
    """

    prompt: int = 0
    first: int = 0
    planned: int = 0
    written: int = 0
    shared: int = 0
    texts: list[str] = field(default_factory=list)

    def add(self, other: Figures) -> None:
        """Add up."""
        self.prompt += other.prompt
        self.first += other.first
        self.planned += other.planned
        self.written += other.written
        self.shared += other.shared

    def line(self) -> str:
        """The figures in their columns."""
        parts = (
            self.planned / self.prompt,
            self.shared / self.written,
            self.planned / (self.prompt - self.first),
        )
        return f"{self.prompt:13,}  {parts[0]:7.3f}  {parts[1]:8.3f}  {parts[2]:13.3f}"


class Client:
    """A client with a history.

    Args:
        draw: Draws the lots.
        api: The protocol.
    """

    def __init__(self, draw: random.Random, api: Api) -> None:
        self._draw = draw
        self._api = api
        self._history: list[dict[str, Any]] = []
        self._topic = draw.choice(_TOPICS)
        self._system = self._prose(500)
        self._calls = 0

    def ask(self) -> bytes:
        """The next question."""
        if self._draw.random() < 0.2:
            self._topic = self._draw.choice(_TOPICS)
        question = f"What is the {self._draw.choice(_ASPECTS)} of the {self._topic}? "
        self._history.append({"role": "user", "content": question + self._prose(25)})
        return self.body()

    def body(self) -> bytes:
        """The request with the history of now."""
        tools = [
            {"type": "function", "name": f"tool{n}", "description": "look up"} for n in range(9)
        ]
        body: dict[str, Any] = {"model": "m", "tools": tools, LISTED[self._api]: self._history}
        if self._api == "chat":
            body["messages"] = [{"role": "system", "content": self._system}, *self._history]
        else:
            body["system" if self._api == "messages" else "instructions"] = self._system
        return json.dumps(body).encode()

    def calls(self) -> bool:
        """Whether the assistant calls a tool now; the history has the call and its result then."""
        if self._draw.random() > 0.4:
            return False
        self._calls += 1
        one, text = f"call{self._calls}", self._prose(self._draw.choice([40, 200]))
        self._history += _round(self._api, one, text)
        return True

    def answer(self) -> str:
        """What the assistant says."""
        text = self._prose(self._draw.choice([40, 120]))
        self._history.append({"role": "assistant", "content": text})
        return text

    def _prose(self, words: int) -> str:
        return " ".join(self._draw.choice((*_PLAIN, self._topic)) for _ in range(words))


def _round(api: Api, one: str, text: str) -> list[dict[str, Any]]:
    if api == "chat":
        function = {"name": "tool0", "arguments": "{}"}
        call: dict[str, Any] = {"id": one, "type": "function", "function": function}
        return [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": one, "content": text},
        ]
    if api == "messages":
        use = {"type": "tool_use", "id": one, "name": "tool0", "input": {}}
        result = {"type": "tool_result", "tool_use_id": one, "content": text}
        return [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    return [
        {"type": "function_call", "call_id": one, "name": "tool0", "arguments": "{}"},
        {"type": "function_call_output", "call_id": one, "output": text},
    ]


class Session:
    """A session of the gateway, as its caller would run it.

    Args:
        file: Of the memory service.
        name: Of the session.
        api: The protocol.
        counter: Counts texts.
        request_tokens: What a request may have; None for any number.
    """

    def __init__(
        self,
        file: Path,
        name: str,
        api: Api,
        counter: TokenCounter,
        request_tokens: int | None,
    ) -> None:
        self._file = file
        self._name = name
        self._api = api
        self._counter = counter
        self._request_tokens = request_tokens
        self._kept: dict[str, Any] = {}
        self.service = self._opened()

    def restart(self) -> None:
        """End the process and begin another one."""
        self.service.close()
        self._kept = json.loads(json.dumps(self._kept))
        self.service = self._opened()

    def _opened(self) -> MemoryService:
        return MemoryService.open(self._file, background=False, token_counter=self._counter)

    def send(self, body: bytes) -> Rewritten:
        """The request as it is sent on."""
        request = read(self._api, body)
        if isinstance(request, Unread):
            raise AssertionError(request.reason)
        before, held = self._kept.get("sent"), self._kept.get("held")
        found = recalled(
            self.service,
            WORKSPACE,
            request,
            memory_tokens=MEMORY_TOKENS,
            session_id=self._name,
            held=None if held is None else Held.from_dict(held),
            history_tokens=RequestCounter(self._counter, request).total(),
        )
        sent = rewrite(
            request,
            self._counter,
            memory=None if found is None else found.block,
            inject=Inject.BEFORE_LAST_USER,
            request_tokens=self._request_tokens,
            before=None if before is None else Sent.from_dict(before),
        )
        self._kept = {
            "sent": None if sent.sent is None else sent.sent.to_dict(),
            "held": None if found is None else found.held.to_dict(),
        }
        return sent

    def remember(self, body: bytes, text: str) -> None:
        """Remember the turns of a call."""
        request = read(self._api, body)
        if not isinstance(request, Unread):
            reply = Reply(text=text)
            remember_turns(self.service, WORKSPACE, request, reply, session_id=self._name)


def facts(draw: random.Random, count: int) -> Iterator[MemoryItem]:
    """What is remembered before the sessions begin."""
    for number in range(count):
        topic, aspect = draw.choice(_TOPICS), draw.choice(_ASPECTS)
        words = " ".join(draw.choice(_PLAIN) for _ in range(8))
        tier = draw.choice([MemoryTier.PROJECT, MemoryTier.LONG_TERM])
        text = f"The {aspect} of the {topic} was number {number}, {words}."
        yield MemoryItem(f"fact{number}", text, tier)


def prompt_text(api: Api, body: bytes) -> str:
    """The prompt in the order in which a cache reads it."""
    value = json.loads(body)
    system = value.get("system") or value.get("instructions")
    if isinstance(system, list):
        system = "\n".join(block["text"] for block in system)
    parts = [value.get("tools"), system, *map(_plain, value[LISTED[api]])]
    return "\n".join(json.dumps(part) for part in parts)


def _plain(one: dict[str, Any]) -> object:
    """A message with its texts in blocks, so that a text alone is the same as in a block."""
    content = one.get("content")
    if isinstance(content, str):
        return {**one, "content": [{"type": "text", "text": content}]}
    return one


def _shared(before: str, now: str) -> str:
    """The beginning that two texts share."""
    most = min(len(before), len(now))
    places = (at for at in range(most) if before[at] != now[at])
    return now[: next(places, most)]


def run(
    file: Path,
    name: str,
    api: Api,
    counter: TokenCounter,
    *,
    turns: int,
    restart: bool,
    seed: int,
    request_tokens: int | None = None,
) -> Figures:
    """One session."""
    client = Client(random.Random(seed), api)
    session = Session(file, name, api, counter, request_tokens)
    figures = Figures()
    for turn in range(turns):
        if restart and turn == turns // 2:
            session.restart()
        body = client.ask()
        _send(session, body, api, counter, figures)
        while client.calls():
            body = client.body()
            _send(session, body, api, counter, figures)
        session.remember(body, client.answer())
    session.service.close()
    return figures


def _send(session: Session, body: bytes, api: Api, counter: TokenCounter, figures: Figures) -> None:
    sent = session.send(body)
    text = prompt_text(api, sent.body)
    if figures.texts:
        figures.shared += counter.count(_shared(figures.texts[-1], text))
    else:
        figures.first += sent.plan.tokens_after or 0
    figures.texts.append(text)
    figures.written += counter.count(text)
    figures.prompt += sent.plan.tokens_after or 0
    figures.planned += sent.plan.prefix_tokens or 0


def main() -> None:
    """Print a line for each protocol, with and without a restart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--sessions", type=int, default=3)
    parser.add_argument("--request-tokens", type=int, default=None)
    options = parser.parse_args()
    counter = CachedCounter(counter_for_model("gpt-4o"))
    print("protocol   restart  prompt tokens  planned  as texts  but the first")
    for api in APIS:
        for restart in (False, True):
            figures = Figures()
            for seed in range(options.sessions):
                with tempfile.TemporaryDirectory() as folder:
                    file = filled(Path(folder) / "memory.db", seed)
                    figures.add(
                        run(
                            file,
                            f"s{seed}",
                            api,
                            counter,
                            turns=options.turns,
                            restart=restart,
                            seed=seed,
                            request_tokens=options.request_tokens,
                        )
                    )
            print(f"{api:9}  {'yes' if restart else 'no':7}  {figures.line()}")


def filled(file: Path, seed: int, count: int = 400) -> Path:
    """A memory service's file with facts."""
    with MemoryService.open(file, background=False) as service:
        service.create_workspace(WORKSPACE)
        service.remember(WORKSPACE, list(facts(random.Random(seed), count)))
    return file


if __name__ == "__main__":
    main()
