"""How a synthesizer writes nodes: their texts joined, and what stands around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from llama_index.core.base.llms.base import BaseLLM
from llama_index.core.prompts.base import BasePromptTemplate

from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.errors import InputError
from mba_integrations.core.layout.joined_texts import JoinedTexts
from mba_integrations.core.layout.protocol import PromptTokens, Section, WrittenPrompt
from mba_integrations.core.model import MemoryItem
from mba_integrations.llamaindex.retrieval.nodes import has_text


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextLayout(JoinedTexts):
    """Joined texts of nodes, some of which bring media or have no text.

    Args:
        media_tokens: Tokens of a node's media by the item's id, besides its text.
    """

    media_tokens: Mapping[str, int] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Separator, and media where there are any: then counts are not kept between calls."""
        media = f":{sorted(self.media_tokens.items())}" if self.media_tokens else ""
        return f"llamaindex-context:{self.separator}{media}"

    @property
    def shows_content(self) -> bool:
        """Not of nodes without text, and media cost more than their text."""
        return False

    def item_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> list[int]:
        """Tokens of each text with a separator after it, and of its media."""
        texts = JoinedTexts.item_tokens(self, items, counter)
        return [
            (tokens if has_text(item) else 0) + self.media_tokens.get(item.id, 0)
            for item, tokens in zip(items, texts, strict=True)
        ]

    def write(self, sections: Sequence[Section]) -> WrittenPrompt:
        """The texts, joined, and the tokens of the media of each item."""
        items = [item for _, section in sections for item in section]
        texts = [self.text_of(item) for item in items if has_text(item)]
        media = tuple(self.media_tokens.get(item.id, 0) for item in items)
        return WrittenPrompt(text=self.separator.join(texts), item_tokens=media)

    def measure(self, written: WrittenPrompt, counter: TokenCounter) -> PromptTokens:
        """Tokens of the joined text and the media, alone and with what stands around them."""
        text = JoinedTexts.measure(self, written, counter)
        media = sum(written.item_tokens)
        around = 0 if written.text or not written.item_tokens else self.fixed_tokens(counter)
        return PromptTokens(used=text.used + media, messages=0, needed=text.needed + media + around)


def template_text(template: BasePromptTemplate | str, llm: BaseLLM | None) -> str:
    """A prompt template as one text with `{context_str}` and `{query_str}` in it.

    What else the template has is filled in; a chat template is written as LlamaIndex writes one for
    a completion model.

    Raises:
        InputError: If it has no `{context_str}`.
    """
    text = template
    if not isinstance(template, str):
        text = template.format(llm=llm, context_str="{context_str}", query_str="{query_str}")
    if "{context_str}" not in text:
        raise InputError("prompt_template has no {context_str}, where the documents are put.")
    return str(text)


def around_context(template: str, query: str) -> tuple[str, str]:
    """What a prompt template puts before and after the context, the question filled in.

    >>> around_context("Read: {context_str} Answer: {query_str}", "Why?")
    ('Read: ', ' Answer: Why?')
    """
    before, _, after = template.partition("{context_str}")
    return before.replace("{query_str}", query), after.replace("{query_str}", query)
