"""Random requests of three protocols, as clients send them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mba_integrations.services.gateway.wire.apis import Api

LISTED = {"chat": "messages", "messages": "messages", "responses": "input"}
"""Name of the array of messages."""
MARK = {"cache_control": {"type": "ephemeral"}}
_TOPICS = (
    "oslo",
    "ferry",
    "schema",
    "index",
    "lock",
    "cache",
    "vector",
    "winter",
    "garden",
    "train",
)


@dataclass(frozen=True, kw_only=True)
class Made:
    """A request.

    Attributes:
        api: Its protocol.
        body: As a client sends it.
        elements: The elements of its array, as they are written in the body.
        question: What the user says last.
    """

    api: Api
    body: bytes
    elements: tuple[str, ...]
    question: str


class Maker:
    """Makes requests.

    Args:
        draw: Draws the lots.
        api: The protocol.
    """

    def __init__(self, draw: random.Random, api: Api) -> None:
        self._draw = draw
        self._api = api
        self._calls = 0
        self._questions = 0

    def request(self) -> Made:
        """A request with a conversation of up to ten exchanges."""
        values = [*self._leading(), *self._conversation()]
        return self._made([self._written(value) for value in values], self._members())

    def session(self, turns: int) -> Iterator[Made]:
        """The requests of a session, each with the history that the one before had."""
        members = self._members()
        elements = [self._written(value) for value in self._leading()]
        for _ in range(turns):
            elements += [self._written(value) for value in self._exchange()]
            yield self._made(elements, members)
            elements += [self._written(value) for value in self._answer()]

    def _members(self) -> list[str]:
        members = [f'"{name}": {self._written(value)}' for name, value in self._besides()]
        return [*members, '"temperature": 1.0, "seed": 12345678901234567890']

    def _made(self, elements: Sequence[str], members: Sequence[str]) -> Made:
        body = ", ".join([*members, f'"{LISTED[self._api]}": [{", ".join(elements)}]'])
        return Made(
            api=self._api,
            body=f"{{{body}}}".encode(),
            elements=tuple(elements),
            question=f"question {self._questions} ",
        )

    def _leading(self) -> list[dict[str, Any]]:
        if self._api == "messages" or self._draw.random() < 0.4:
            return []
        name = self._draw.choice(["system", "developer"])
        return [
            {"role": name, "content": self._words(1, 30)} for _ in range(self._draw.choice([1, 2]))
        ]

    def _besides(self) -> Iterator[tuple[str, Any]]:
        yield "model", self._draw.choice(["m", "claude-x", "gpt-x"])
        if self._draw.random() < 0.5:
            yield "tools", [{"name": f"tool{n}", **self._marked()} for n in range(3)]
        if self._api == "messages" and self._draw.random() < 0.7:
            text = self._words(1, 40)
            blocks = [{"type": "text", "text": text, **self._marked()}]
            yield "system", self._draw.choice([text, blocks])
        if self._api == "responses" and self._draw.random() < 0.5:
            yield "instructions", self._words(1, 40)

    def _conversation(self) -> Iterator[dict[str, Any]]:
        for _ in range(self._draw.randrange(10)):
            yield from self._exchange()
            yield from self._answer()
        yield from self._exchange()
        if self._draw.random() < 0.2:
            yield from self._answer()  # the beginning of a reply that is to go on

    def _exchange(self) -> Iterator[dict[str, Any]]:
        self._questions += 1
        text = f"question {self._questions} {self._words(1, self._draw.choice([5, 60, 200]))}"
        yield {"role": "user", "content": self._content(text)}
        for _ in range(self._draw.choice([0, 0, 1, 2, 3])):
            yield from self._round()

    def _content(self, text: str) -> Any:
        kind = {"responses": "input_text"}.get(self._api, "text")
        blocks: list[dict[str, Any]] = [{"type": kind, "text": text, **self._marked()}]
        if self._draw.random() < 0.1:
            blocks.insert(0, self._image())
        return self._draw.choice([text, blocks]) if len(blocks) == 1 else blocks

    def _image(self) -> dict[str, Any]:
        url = "https://example.org/a.png"
        if self._api == "messages":
            return {"type": "image", "source": {"type": "url", "url": url}}
        if self._api == "responses":
            return {"type": "input_image", "image_url": url}
        return {"type": "image_url", "image_url": {"url": url}}

    def _round(self) -> Iterator[dict[str, Any]]:
        ids = []
        for _ in range(self._draw.choice([1, 1, 2, 3])):
            self._calls += 1
            ids.append(f"call{self._calls}")
        results = {one: self._words(1, self._draw.choice([3, 40, 400])) for one in ids}
        yield from getattr(self, f"_{self._api}_round")(results)

    def _chat_round(self, results: dict[str, str]) -> Iterator[dict[str, Any]]:
        calls = [
            {"id": one, "type": "function", "function": {"name": "tool0", "arguments": "{}"}}
            for one in results
        ]
        yield {"role": "assistant", "content": None, "tool_calls": calls}
        for one, text in results.items():
            yield {"role": "tool", "tool_call_id": one, "content": text}

    def _messages_round(self, results: dict[str, str]) -> Iterator[dict[str, Any]]:
        uses = [{"type": "tool_use", "id": one, "name": "tool0", "input": {}} for one in results]
        yield {"role": "assistant", "content": [*self._thinking(), *uses]}
        blocks: list[dict[str, Any]] = [
            {
                "type": "tool_result",
                "tool_use_id": one,
                "content": self._draw.choice([text, [{"type": "text", "text": text}]]),
                **self._marked(),
            }
            for one, text in results.items()
        ]
        if self._draw.random() < 0.2:
            blocks.append({"type": "text", "text": self._words(1, 9)})
        yield {"role": "user", "content": blocks}

    def _responses_round(self, results: dict[str, str]) -> Iterator[dict[str, Any]]:
        yield from self._reasoning()
        for one in results:
            yield {"type": "function_call", "call_id": one, "name": "tool0", "arguments": "{}"}
        for one, text in results.items():
            yield {"type": "function_call_output", "call_id": one, "output": text}

    def _answer(self) -> Iterator[dict[str, Any]]:
        text = self._words(1, self._draw.choice([5, 60]))
        if self._api == "messages":
            blocks = [*self._thinking(), {"type": "text", "text": text, **self._marked()}]
            yield {"role": "assistant", "content": blocks}
        elif self._api == "responses":
            yield from self._reasoning()
            content = [{"type": "output_text", "text": text}]
            yield {"type": "message", "role": "assistant", "content": content}
        else:
            yield {"role": "assistant", "content": text}

    def _thinking(self) -> list[dict[str, Any]]:
        thought = {"type": "thinking", "thinking": self._words(1, 20), "signature": "c2ln"}
        return [thought] if self._draw.random() < 0.3 else []

    def _reasoning(self) -> Iterator[dict[str, Any]]:
        if self._draw.random() < 0.5:
            yield {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "abcd" * 9}

    def _marked(self) -> dict[str, Any]:
        return MARK if self._api == "messages" and self._draw.random() < 0.1 else {}

    def _words(self, least: int, most: int) -> str:
        return " ".join(self._draw.choice(_TOPICS) for _ in range(self._draw.randint(least, most)))

    def _written(self, value: object) -> str:
        separators = self._draw.choice([(",", ":"), (", ", ": "), (" ,\n", " : ")])
        return json.dumps(value, separators=separators)
