"""Which tokenizer counts: the one given, the user's `Settings.tokenizer`, or the workspace's model.

LlamaIndex sets its global tokenizer by itself at the first count, to cl100k_base with special
tokens allowed. That one is not the user's wish, so it is told apart from one that is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import llama_index.core
import tiktoken

from mba_integrations.conversation.older import conversation_workspace
from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.counting.given_counters import as_token_counter
from mba_integrations.core.counting.tiktoken_counters import counter_for_model
from mba_integrations.core.search.embedder import Embedder

_FRAMEWORK_ENCODING = "cl100k_base"


class LiveAllocator:
    """The allocator of one component and its counter; both follow `Settings.tokenizer`.

    Args:
        workspace: The settings that apply.
        token_counter: What counts, in any form that `MemoryBudgetAllocator` takes; None for the
            user's `Settings.tokenizer`, else the counter of the workspace's model.
        embedder: As for `MemoryBudgetAllocator`.
    """

    def __init__(
        self,
        workspace: WorkspaceConfig,
        *,
        token_counter: object = None,
        embedder: Embedder | None = None,
    ) -> None:
        self.workspace = workspace
        self._given = None if token_counter is None else as_token_counter(token_counter)
        self._embedder = embedder
        self._made: tuple[Any, TokenCounter, MemoryBudgetAllocator] | None = None

    @property
    def conversation_id(self) -> str:
        """The workspace in which older messages are chosen."""
        return conversation_workspace(self.workspace).workspace_id

    @property
    def counter(self) -> TokenCounter:
        """What counts now."""
        return self._current()[1]

    @property
    def allocator(self) -> MemoryBudgetAllocator:
        """What allocates now; the same object as long as the tokenizer is the same."""
        return self._current()[2]

    def _current(self) -> tuple[Any, TokenCounter, MemoryBudgetAllocator]:
        source = None if self._given is not None else users_tokenizer()
        made = self._made
        if made is None or made[0] is not source:
            counter = self._given or self._counter_of(source)
            allocator = MemoryBudgetAllocator(token_counter=counter, embedder=self._embedder)
            allocator.register_workspace(self.workspace)
            allocator.register_workspace(conversation_workspace(self.workspace))
            self._made = made = (source, counter, allocator)
        return made

    def _counter_of(self, tokenizer: Callable[[str], Any] | None) -> TokenCounter:
        if tokenizer is None:
            return counter_for_model(self.workspace.counting.model)
        return counter_of_tokenizer(tokenizer)


def users_tokenizer() -> Callable[[str], Any] | None:
    """`Settings.tokenizer` where the user set it; None where it is unset or LlamaIndex's own."""
    tokenizer = llama_index.core.global_tokenizer
    if isinstance(tokenizer, partial) and tokenizer.keywords == {"allowed_special": "all"}:
        encoding = _encoding_of(tokenizer)
        if encoding is not None and encoding.name == _FRAMEWORK_ENCODING:
            return None
    return tokenizer


def counter_of_tokenizer(tokenizer: Callable[[str], Any]) -> TokenCounter:
    """A counter from what `Settings.tokenizer` may hold: a function from a text to its tokens.

    Methods of a tiktoken encoding become that encoding's counter, which counts special tokens in a
    text as text, where the bare method raises an error or counts one for each.
    """
    return as_token_counter(_encoding_of(tokenizer) or tokenizer)


def _encoding_of(tokenizer: object) -> tiktoken.Encoding | None:
    function = tokenizer.func if isinstance(tokenizer, partial) else tokenizer
    owner = getattr(function, "__self__", None)
    return owner if isinstance(owner, tiktoken.Encoding) else None
