"""How many tokens one synthesis call leaves for the context.

`CompactAndRefine` splits its context where it exceeds what `PromptHelper` calculates: the context
window less the prompt, the reply and a padding. A context within that takes one call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llama_index.core.indices.prompt_helper import PromptHelper
from llama_index.core.llms.llm import LLM
from llama_index.core.prompts.base import BasePromptTemplate
from llama_index.core.prompts.default_prompt_selectors import (
    DEFAULT_REFINE_PROMPT_SEL,
    DEFAULT_TEXT_QA_PROMPT_SEL,
)
from llama_index.core.prompts.prompt_utils import get_biggest_prompt
from llama_index.core.response_synthesizers.base import BaseSynthesizer
from llama_index.core.response_synthesizers.refine import DEFAULT_RESPONSE_PADDING_SIZE
from llama_index.core.settings import Settings

from mba_integrations.core.errors import BudgetError


@dataclass(frozen=True, slots=True, kw_only=True)
class OneCall:
    """What bounds the context of one synthesis call.

    Attributes:
        max_tokens: Tokens that the context may have.
        tokenizer: What the synthesizer counts them by.
    """

    max_tokens: int
    tokenizer: Callable[[str], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRoom:
    """What a synthesizer works with; what is None comes from `Settings` and its defaults.

    Attributes:
        llm: The model that is asked.
        sizing: LlamaIndex's calculator of room in a context window.
        templates: The templates that the context is filled into; the largest counts.
        padding_tokens: What the synthesizer leaves free besides.
    """

    llm: LLM | None = None
    sizing: PromptHelper | None = None
    templates: tuple[BasePromptTemplate, ...] = (
        DEFAULT_TEXT_QA_PROMPT_SEL,
        DEFAULT_REFINE_PROMPT_SEL,
    )
    padding_tokens: int = DEFAULT_RESPONSE_PADDING_SIZE

    @classmethod
    def of_synthesizer(cls, synthesizer: BaseSynthesizer) -> PromptRoom:
        """The room of *synthesizer*.

        LlamaIndex 0.14 has no public access to its model, its helper and its padding.
        """
        named = synthesizer.get_prompts()
        known = [named[name] for name in ("text_qa_template", "refine_template") if name in named]
        return cls(
            llm=synthesizer._llm,
            sizing=synthesizer._prompt_helper,
            templates=tuple(known) or cls().templates,
            padding_tokens=getattr(
                synthesizer, "_response_padding_size", DEFAULT_RESPONSE_PADDING_SIZE
            ),
        )

    def for_query(self, query: str) -> OneCall:
        """The bound for one question.

        Raises:
            BudgetError: If the prompt leaves no room for any context.
        """
        llm = self.llm or Settings.llm
        sizing = (
            self.sizing
            # The property would make one for good; the synthesizer looks here as well.
            or Settings._prompt_helper
            or PromptHelper.from_llm_metadata(llm.metadata)
        )
        filled = [template.partial_format(query_str=query) for template in self.templates]
        try:
            splitter = sizing.get_text_splitter_given_prompt(
                get_biggest_prompt(filled), padding=self.padding_tokens, llm=llm
            )
        except ValueError as error:
            raise BudgetError(
                f"the prompt leaves no room for context: the context window has "
                f"{sizing.context_window:,} tokens, of which the reply takes "
                f"{sizing.num_output:,} and padding {self.padding_tokens:,}. Shorten the prompt "
                "or the question, lower num_output, or use a model with a larger window.",
                needed_tokens=sizing.num_output + self.padding_tokens + 1,
                budget_tokens=sizing.context_window,
            ) from error
        return OneCall(max_tokens=splitter.chunk_size, tokenizer=splitter._tokenizer)
