"""`BudgetedFunctionCallingLLM`: no call of an agent exceeds its budget.

An agent keeps its tool calls and their results in a scratchpad outside of any memory and sends all
of it with every call. Only the model that is called can bound that, so this one stands in front of
it: it passes on the part of the messages that fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import llama_index.core.instrumentation as instrument
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.bridge.pydantic import Field, PrivateAttr, SerializeAsAny
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools.types import BaseTool

from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.derived import Derived
from mba_integrations.core.errors import BudgetError
from mba_integrations.llamaindex.component import BudgetTokens, Component, MediaTokens
from mba_integrations.llamaindex.counters import LiveAllocator
from mba_integrations.llamaindex.events import view_event
from mba_integrations.llamaindex.ledger import reply_tokens
from mba_integrations.llamaindex.messages.counting import DEFAULT_MEDIA_TOKENS
from mba_integrations.llamaindex.messages.history import DEFAULT_RECENT_SHARE, HistorySelector
from mba_integrations.llamaindex.messages.reading import with_exchange
from mba_integrations.llamaindex.messages.template_variables import TemplateGuard

dispatcher = instrument.get_dispatcher(__name__)


class BudgetedFunctionCallingLLM(Component, FunctionCallingLLM):
    """A function-calling model behind a budget.

    What always goes through: system messages, the last user message if it waits for its answer, and
    the open tool round, whose long results are shortened. Of earlier rounds and exchanges what fits
    and helps.

    Args:
        llm: The model that is asked. Give callbacks to this one.
        budget_tokens: Tokens of a prompt: messages with framing, and the descriptions of tools.
            None for the model's context window less its reply.
        workspace: Settings of the choice; the core's defaults without it.
        recent_share: As for `BudgetedMemory`.
        media_tokens: As for `BudgetedMemory`.
        token_counter: As for `BudgetedMemory`; not part of `to_dict`.
    """

    llm: SerializeAsAny[FunctionCallingLLM]
    budget_tokens: BudgetTokens | None = None
    workspace: WorkspaceConfig | None = None
    recent_share: float = Field(default=DEFAULT_RECENT_SHARE, ge=0.0, le=1.0)
    media_tokens: MediaTokens = DEFAULT_MEDIA_TOKENS

    _token_counter: object = PrivateAttr()
    _allocators: Derived[LiveAllocator] = PrivateAttr(default_factory=Derived)

    def __init__(
        self, llm: FunctionCallingLLM, *, token_counter: object = None, **fields: Any
    ) -> None:
        fields["llm"] = llm
        super().__init__(**fields)
        self._token_counter = token_counter
        self._now()  # A counter that is none is refused here, not at the first call.

    @classmethod
    def class_name(cls) -> str:
        """Name in serialised form."""
        return "BudgetedFunctionCallingLLM"

    @property
    def metadata(self) -> LLMMetadata:
        """That of the model behind it."""
        return self.llm.metadata

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Ask with what fits."""
        return self.llm.chat(self._fitting(messages), **kwargs)

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Ask with what fits."""
        return await self.llm.achat(self._fitting(messages), **kwargs)

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Ask with what fits."""
        return self.llm.stream_chat(self._fitting(messages), **kwargs)

    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        """Ask with what fits."""
        return await self.llm.astream_chat(self._fitting(messages), **kwargs)

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Ask, if the prompt fits; a text is not cut."""
        return self.llm.complete(self._checked(prompt), formatted=formatted, **kwargs)

    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        """Ask, if the prompt fits; a text is not cut."""
        return await self.llm.acomplete(self._checked(prompt), formatted=formatted, **kwargs)

    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """Ask, if the prompt fits; a text is not cut."""
        return self.llm.stream_complete(self._checked(prompt), formatted=formatted, **kwargs)

    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """Ask, if the prompt fits; a text is not cut."""
        return await self.llm.astream_complete(self._checked(prompt), formatted=formatted, **kwargs)

    def chat_with_tools(
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> ChatResponse:
        """Ask with what fits beside the tools."""
        messages = self._fitting(_joined(chat_history, user_msg), tools)
        return self.llm.chat_with_tools(tools, None, messages, *args, **kwargs)

    async def achat_with_tools(
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> ChatResponse:
        """Ask with what fits beside the tools."""
        messages = self._fitting(_joined(chat_history, user_msg), tools)
        return await self.llm.achat_with_tools(tools, None, messages, *args, **kwargs)

    def stream_chat_with_tools(
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> ChatResponseGen:
        """Ask with what fits beside the tools."""
        messages = self._fitting(_joined(chat_history, user_msg), tools)
        return self.llm.stream_chat_with_tools(tools, None, messages, *args, **kwargs)

    async def astream_chat_with_tools(
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> ChatResponseAsyncGen:
        """Ask with what fits beside the tools."""
        messages = self._fitting(_joined(chat_history, user_msg), tools)
        return await self.llm.astream_chat_with_tools(tools, None, messages, *args, **kwargs)

    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        """As the model behind it reads its response."""
        return self.llm.get_tool_calls_from_response(
            response, error_on_no_tool_call=error_on_no_tool_call, **kwargs
        )

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
        return self.llm._prepare_chat_with_tools_compat(
            tools,
            chat_history=self._fitting(_joined(chat_history, user_msg), tools),
            verbose=verbose,
            allow_parallel_tool_calls=allow_parallel_tool_calls,
            tool_required=tool_required,
            **kwargs,
        )

    def _now(self) -> LiveAllocator:
        return self._allocators.of(self._made, self.workspace)

    def _made(self, workspace: WorkspaceConfig | None) -> LiveAllocator:
        config = workspace or WorkspaceConfig(workspace_id="default")
        return LiveAllocator(config, token_counter=self._token_counter)

    def _budget(self) -> int:
        if self.budget_tokens is not None:
            return self.budget_tokens
        return self.llm.metadata.context_window - reply_tokens(self.llm)

    def _fitting(
        self, messages: Sequence[ChatMessage], tools: Sequence[BaseTool] = ()
    ) -> list[ChatMessage]:
        """Copies of the messages that fit.

        Raises:
            BudgetError: If what must go through does not fit, though tool results are shortened.
        """
        selector = HistorySelector(
            self._now(),
            guard=TemplateGuard(()),
            recent_share=self.recent_share,
            media_tokens=self.media_tokens,
        )
        described = selector.tokens.of_tools(tools)
        query = next(
            (one.content or "" for one in reversed(messages) if one.role is MessageRole.USER), ""
        )
        budget = self._budget()
        view = selector.select(
            messages,
            budget_tokens=budget,
            query=with_exchange(query, messages),
            besides=[("descriptions of tools", described)],
        )
        dispatcher.event(view_event(self.class_name(), view, budget))
        return view.messages

    def _checked(self, prompt: str) -> str:
        tokens, budget = self._now().counter.count(prompt), self._budget()
        if tokens > budget:
            raise BudgetError(
                f"the prompt has {tokens:,} tokens, the budget is {budget:,} ({tokens - budget:,} "
                "over). Shorten it, or raise budget_tokens.",
                needed_tokens=tokens,
                budget_tokens=budget,
            )
        return prompt


def _joined(
    chat_history: Sequence[ChatMessage] | None, user_msg: str | ChatMessage | None
) -> list[ChatMessage]:
    """History and user message, as function-calling models join them."""
    messages = list(chat_history or ())
    if isinstance(user_msg, str):
        user_msg = ChatMessage(role=MessageRole.USER, content=user_msg)
    return messages if user_msg is None else [*messages, user_msg]
