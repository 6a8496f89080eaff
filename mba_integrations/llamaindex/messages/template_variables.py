"""Keep remembered text from filling in a prompt template.

Chat engines put the history inside a `ChatPromptTemplate`, so a remembered `{context_str}` becomes
the retrieved documents and `{query_str}` the question. A space after the brace is enough to stop
that: LlamaIndex replaces exact names only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from llama_index.core.base.llms.types import ChatMessage, TextBlock

TEMPLATE_VARIABLES = (
    "context_str",
    "query_str",
    "existing_answer",
    "context_msg",
    "chat_history",
    "question",
)
"""What LlamaIndex's own chat engines and synthesizers fill in."""


class TemplateGuard:
    """Defuses the variables of prompt templates in text.

    Args:
        variables: Names that templates fill in; none leaves every text as it is.

    >>> TemplateGuard().text("{context_str} and {x}")
    '{ context_str } and {x}'
    """

    def __init__(self, variables: Iterable[str] = TEMPLATE_VARIABLES) -> None:
        names = "|".join(re.escape(name) for name in variables)
        self._variable = re.compile(r"\{(" + names + r")\}") if names else None

    def text(self, text: str) -> str:
        """*text* with a space inside the braces of each variable."""
        if self._variable is None or "{" not in text:
            return text
        return self._variable.sub(r"{ \1 }", text)

    def message(self, message: ChatMessage) -> ChatMessage:
        """A copy of *message* with its text defused; blocks other than text are shared."""
        blocks = [
            TextBlock(text=self.text(block.text)) if isinstance(block, TextBlock) else block
            for block in message.blocks
        ]
        return message.model_copy(
            update={"blocks": blocks, "additional_kwargs": dict(message.additional_kwargs)}
        )
