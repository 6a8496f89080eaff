"""Scripted LlamaIndex models that record what they receive, and texts to ask about."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    LLMMetadata,
    MessageRole,
    ToolCallBlock,
)
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools.types import BaseTool
from pydantic import PrivateAttr

from mba_integrations.llamaindex import BudgetAllocationEvent

_SYLLABLES = (
    *("ba", "de", "fi", "go", "lu", "ma", "ne", "pi", "ro", "su"),
    *("ta", "ve", "wi", "xo", "zu", "cha", "shi", "tho", "quo", "bra"),
)
WORDS = [one + two + end for one in _SYLLABLES for two in _SYLLABLES for end in "nrst"]


def prose(words: int, seed: int = 0) -> str:
    """Text of that many words, of 1,600 words in all, so that two texts are rarely alike."""
    drawn = random.Random(seed).choices(WORDS, k=words)
    return " ".join(drawn).capitalize() + "."


def tool_call(name: str, call_id: str, **arguments: Any) -> ChatMessage:
    """An assistant message that calls one tool."""
    block = ToolCallBlock(tool_call_id=call_id, tool_name=name, tool_kwargs=arguments)
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=[block])


def tool_result(call_id: str, text: str) -> ChatMessage:
    """A tool message that answers a call."""
    return ChatMessage(
        role=MessageRole.TOOL, content=text, additional_kwargs={"tool_call_id": call_id}
    )


class ScriptedLLM(FunctionCallingLLM):
    """Answers by a script; after its end, "Done."."""

    context_window: int = 3900
    num_output: int = 64
    is_chat: bool = True
    replies: list[ChatMessage] = []  # noqa: RUF012 - a field, which pydantic copies

    _prompts: list[list[ChatMessage]] = PrivateAttr(default_factory=list)
    _completions: list[str] = PrivateAttr(default_factory=list)
    _tools: list[list[BaseTool]] = PrivateAttr(default_factory=list)

    @classmethod
    def class_name(cls) -> str:
        return "ScriptedLLM"

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(
            context_window=self.context_window,
            num_output=self.num_output,
            is_chat_model=self.is_chat,
            is_function_calling_model=True,
        )

    @property
    def prompts(self) -> list[list[ChatMessage]]:
        """Messages of every call, as they were when it was made."""
        return self._prompts

    @property
    def completions(self) -> list[str]:
        """Prompts of every call for a completion."""
        return self._completions

    @property
    def tools(self) -> list[list[BaseTool]]:
        """Tools of every call that had any."""
        return self._tools

    def _reply(self, messages: Sequence[ChatMessage]) -> ChatMessage:
        self._prompts.append([message.model_copy(deep=True) for message in messages])
        place = len(self._prompts) - 1
        if place < len(self.replies):
            return self.replies[place]
        return ChatMessage(role=MessageRole.ASSISTANT, content="Done.")

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return ChatResponse(message=self._reply(messages))

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return ChatResponse(message=self._reply(messages))

    def stream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> Generator[ChatResponse, None, None]:
        reply = self._reply(messages)
        return (ChatResponse(message=reply, delta=reply.content) for _ in range(1))

    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> AsyncGenerator[ChatResponse, None]:
        reply = self._reply(messages)

        async def stream() -> AsyncGenerator[ChatResponse, None]:
            yield ChatResponse(message=reply, delta=reply.content)

        return stream()

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        self._completions.append(prompt)
        return CompletionResponse(text="Done.")

    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        return self.complete(prompt)

    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> Generator[CompletionResponse, None, None]:
        response = self.complete(prompt)
        return (CompletionResponse(text=response.text, delta=response.text) for _ in range(1))

    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> AsyncGenerator[CompletionResponse, None]:
        response = self.complete(prompt)

        async def stream() -> AsyncGenerator[CompletionResponse, None]:
            yield CompletionResponse(text=response.text, delta=response.text)

        return stream()

    def _prepare_chat_with_tools(
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        self._tools.append(list(tools))
        messages = list(chat_history or [])
        if user_msg is not None:
            messages.append(
                ChatMessage(content=user_msg) if isinstance(user_msg, str) else user_msg
            )
        return {"messages": messages, **kwargs}

    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        return [
            ToolSelection(
                tool_id=block.tool_call_id or "",
                tool_name=block.tool_name,
                tool_kwargs=block.tool_kwargs
                if isinstance(block.tool_kwargs, dict)
                else json.loads(block.tool_kwargs),
            )
            for block in response.message.blocks
            if isinstance(block, ToolCallBlock)
        ]


class LetterEmbedding(BaseEmbedding):
    """How often each letter occurs; records what was asked for."""

    _asked: list[str] = PrivateAttr(default_factory=list)

    @property
    def asked(self) -> list[str]:
        """Texts and questions in order, questions with a mark before them."""
        return self._asked

    def _vector(self, text: str) -> list[float]:
        counts = [float(text.lower().count(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"]
        return [*counts, 1.0]

    def _get_text_embedding(self, text: str) -> list[float]:
        self._asked.append(text)
        return self._vector(text)

    def _get_query_embedding(self, query: str) -> list[float]:
        self._asked.append(f"?{query}")
        return self._vector(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


class Recorder(BaseEventHandler):
    """Keeps the events of allocations."""

    events: list[Any] = []  # noqa: RUF012 - a field, which pydantic copies

    @classmethod
    def class_name(cls) -> str:
        return "Recorder"

    def handle(self, event: Any, **kwargs: Any) -> None:
        if isinstance(event, BudgetAllocationEvent):
            self.events.append(event)


@contextmanager
def recorded_events() -> Iterator[list[BudgetAllocationEvent]]:
    """The events of allocations that reach LlamaIndex' root dispatcher."""
    recorder = Recorder()
    root = get_dispatcher()
    root.add_event_handler(recorder)
    try:
        yield recorder.events
    finally:
        root.event_handlers.remove(recorder)


def orphans(messages: Sequence[ChatMessage]) -> list[str]:
    """Tool messages without their call before them, and calls without all their results."""
    waiting: list[str] = []
    wrong = []
    for message in messages:
        if message.role is MessageRole.TOOL:
            answered = str(message.additional_kwargs.get("tool_call_id"))
            if answered in waiting:
                waiting.remove(answered)
            else:
                wrong.append(f"result of {answered}")
        else:
            wrong += [f"call {name}" for name in waiting]
            waiting = [
                str(block.tool_call_id)
                for block in message.blocks
                if isinstance(block, ToolCallBlock)
            ]
    return wrong + [f"call {name}" for name in waiting]
