"""`BudgetedMemory`: a memory for the chains of langchain-classic.

For `ConversationChain`, `LLMChain` and whoever has not migrated; agents have
`MemoryBudgetMiddleware`. All exchanges are kept; what a chain gets of them fits the budget and is
chosen by its input.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_classic.base_memory import BaseMemory
from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import ConfigDict, Field, PrivateAttr

from mba_integrations.core.derived import Derived
from mba_integrations.core.errors import InputError
from mba_integrations.langchain.history.chat_history import ListChatMessageHistory
from mba_integrations.langchain.history.choice import HistoryChoice

_NOT_INPUTS = ("stop",)
_USUAL_INPUT = "input"


class BudgetedMemory(BaseMemory):
    """Gives a chain the exchanges that fit a budget and are useful for its input.

    Attributes:
        budget_tokens: Most tokens of what a chain gets, >= 1: of the text, or of the messages with
            their framing.
        chat_memory: Where messages are kept; a list by default.
        memory_key: The variable that a chain gets.
        input_key: Of the input that is saved; None for the only one, or `input` among several.
        output_key: Of the output that is saved; None for the only one.
        return_messages: Whether the variable is a list of messages, for chat prompts, or a text.
        human_prefix: Before a person's lines in the text.
        ai_prefix: Before the model's lines in the text.
        token_counter: Counts text; o200k_base without it.
        recent_share: Part of the tokens that the newest exchanges have before others, in [0, 1].
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, validate_assignment=True)

    budget_tokens: int
    chat_memory: BaseChatMessageHistory = Field(default_factory=ListChatMessageHistory)
    memory_key: str = "history"
    input_key: str | None = None
    output_key: str | None = None
    return_messages: bool = False
    human_prefix: str = "Human"
    ai_prefix: str = "AI"
    token_counter: Any = Field(default=None, exclude=True)
    recent_share: float = 0.5

    _choices: Derived[HistoryChoice] = PrivateAttr(default_factory=Derived)

    def model_post_init(self, context: Any, /) -> None:
        """Check the settings."""
        super().model_post_init(context)
        self._choice()

    def _choice(self) -> HistoryChoice:
        """The choice by the fields of now, which may have been set since the last call."""
        # A choice knows what it read, so another history has another one.
        return self._choices.of(
            self._made, self.budget_tokens, self.recent_share, self.token_counter, self.chat_memory
        )

    def _made(
        self, budget_tokens: int, recent_share: float, token_counter: object, _: object
    ) -> HistoryChoice:
        return HistoryChoice(budget_tokens, token_counter=token_counter, recent_share=recent_share)

    @property
    def memory_variables(self) -> list[str]:
        """The one variable that a chain gets."""
        return [self.memory_key]

    def load_memory_variables(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """What fits of the exchanges, for these inputs."""
        return {self.memory_key: self._fitting(self.chat_memory.messages, inputs)}

    async def aload_memory_variables(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """As `load_memory_variables`."""
        messages = await self.chat_memory.aget_messages()
        return {self.memory_key: await asyncio.to_thread(self._fitting, messages, inputs)}

    def save_context(self, inputs: dict[str, Any], outputs: dict[str, str]) -> None:
        """Keep an exchange. What the memory itself put into the inputs is not saved again."""
        self.chat_memory.add_messages(self._exchange(inputs, outputs))

    async def asave_context(self, inputs: dict[str, Any], outputs: dict[str, str]) -> None:
        """As `save_context`."""
        await self.chat_memory.aadd_messages(self._exchange(inputs, outputs))

    def clear(self) -> None:
        """Forget all exchanges."""
        self.chat_memory.clear()

    async def aclear(self) -> None:
        """Forget all exchanges."""
        await self.chat_memory.aclear()

    def _fitting(
        self, messages: Sequence[BaseMessage], inputs: Mapping[str, Any]
    ) -> str | list[BaseMessage]:
        query = str(inputs[key]) if (key := self._known_input(inputs)) else ""
        if self.return_messages:
            return self._choice().messages(messages, query)
        return self._choice().text(messages, query, human=self.human_prefix, ai=self.ai_prefix)

    def _exchange(self, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> list[BaseMessage]:
        asked = self._known_input(inputs)
        if asked is None:
            raise InputError(
                f"inputs have the keys {sorted(self._candidates(inputs))}: set input_key to the "
                "one that a person said."
            )
        answered = self.output_key or (next(iter(outputs)) if len(outputs) == 1 else None)
        if answered is None or answered not in outputs:
            raise InputError(
                f"outputs have the keys {sorted(outputs)}: set output_key to the model's reply."
            )
        return [HumanMessage(str(inputs[asked])), AIMessage(str(outputs[answered]))]

    def _known_input(self, inputs: Mapping[str, Any]) -> str | None:
        """The key of what a person said; None where it is not clear."""
        if self.input_key is not None:
            return self.input_key if self.input_key in inputs else None
        keys = self._candidates(inputs)
        if len(keys) == 1:
            return keys[0]
        return _USUAL_INPUT if _USUAL_INPUT in keys else None

    def _candidates(self, inputs: Mapping[str, Any]) -> list[str]:
        return [key for key in inputs if key not in (*_NOT_INPUTS, *self.memory_variables)]
