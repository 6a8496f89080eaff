"""Write an item, a section heading and a chat message.

Items are untrusted. In Markdown every line that begins at the margin is ours: the lines of an item
after its first are indented, so no item can forge a heading or another item. In XML the item's
text stands as it is, except that `<` before one of our own element names becomes `&lt;`.

An item begins with neither white space nor `/` and ends with a line feed. In OpenAI's encodings
the token counts of such parts add up exactly: a pre-token never spans a line feed and what
follows it, unless that is white space or `/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from mba_integrations.core.config.settings import ItemOrder, PromptFormat, RenderingSettings
from mba_integrations.core.counting.chat_format import (
    MESSAGE_FRAME_TOKENS,
    REPLY_FRAME_TOKENS,
    framed_tokens,
    message_tokens,
)
from mba_integrations.core.counting.counter import TokenCounter, checked_count, checked_counts
from mba_integrations.core.dialogue.roles import Role
from mba_integrations.core.dialogue.spoken import Spoken, spoken
from mba_integrations.core.layout.chat import Chat, Saying, before_question
from mba_integrations.core.layout.protocol import (
    BYTES_BESIDES,
    PromptLayout,
    PromptTokens,
    Section,
    WrittenPrompt,
    most_bytes,
)
from mba_integrations.core.layout.tables import table_head
from mba_integrations.core.model import MemoryItem, MemoryTier, name_in

LINE_BREAKS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
"""What `str.splitlines` and common readers take for the end of a line."""

_BREAK = re.compile(f"[{LINE_BREAKS}]")
_MARGIN = re.compile(f"(?<=[{LINE_BREAKS}])(?=[^{LINE_BREAKS}])")
_OPTIONAL_PART = re.compile(r"\[[^\[\]]*\{(?:speaker|date|source|citation|id)\}[^\[\]]*\] ?")
_ELEMENTS = "|".join(["item", *(tier.value for tier in MemoryTier)])
# White space is never given back: two runs of it that may share would be tried at every border.
_OUR_TAG = re.compile(rf"<(?=\s*+(?:/\s*+)?(?:{_ELEMENTS})\b)", re.IGNORECASE)


@dataclass(frozen=True)
class Renderer(PromptLayout):
    """Renders items and section frames by a workspace's settings: a `PromptLayout`."""

    settings: RenderingSettings

    @cached_property
    def id(self) -> str:
        """Equal for renderers that write every item alike; part of the key of cached counts."""
        return self.settings.model_dump_json(include={"format", "line_templates"})

    def opening(self, tier: MemoryTier) -> str:
        """What stands before the first item of a tier."""
        if self._is_xml:
            return f"<{tier.value}>\n"
        return f"## {self.settings.title_of(tier)}\n"

    def closing(self, tier: MemoryTier) -> str:
        """What stands after the last item of a tier."""
        return f"</{tier.value}>\n" if self._is_xml else ""

    def line(self, item: MemoryItem) -> str:
        """The item as it stands in the prompt."""
        if item.tier in self._listed_tiers:
            return f"- {_indented(_trimmed(item.content))}\n"
        body = self._body(item)
        if self._is_xml:
            return f"<item>{_OUR_TAG.sub('&lt;', body)}</item>\n"
        role = self.role(item)
        mark = f"{role.capitalize()}: " if role else "- "
        return f"{mark}{_indented(body)}\n"

    @cached_property
    def _listed_tiers(self) -> frozenset[MemoryTier]:
        """Tiers whose items are always a list of plain contents."""
        if self.settings.format is not PromptFormat.MARKDOWN:
            return frozenset()
        return frozenset(t for t in MemoryTier if self.settings.template_of(t) == "{text}")

    def role(self, item: MemoryItem) -> str | None:
        """Chat role of an item that is a message of its own; None if it is part of a section."""
        said = self._said(item)
        return None if said is None else said.role.value

    def _said(self, item: MemoryItem) -> Spoken | None:
        """Who says an item that is a message, with its calls; None if it is part of a section."""
        if self.settings.format is not PromptFormat.MESSAGES or item.tier is not MemoryTier.WORKING:
            return None
        said = spoken(item.metadata)
        if said is None or not said.is_chat_role or said.role is Role.SYSTEM:
            return None
        return said

    def _saying(self, item: MemoryItem, said: Spoken) -> Saying:
        text = self._body(item)
        beside = text if not said.calls else self._text_beside(item, said)
        return Saying(said, text, beside)

    def _text_beside(self, item: MemoryItem, said: Spoken) -> str:
        """The text without the lines at its end that only say the calls again."""
        lines, calls = item.content.splitlines(), {call.line for call in said.calls}
        while lines and (lines[-1] in calls or not lines[-1].strip()):
            lines.pop()
        return self._body(replace(item, content="\n".join(lines))) if lines else ""

    @property
    def section_order(self) -> tuple[MemoryTier, ...]:
        """Every tier once, from the first section to the last."""
        return self.settings.section_order

    def order_of(self, tier: MemoryTier) -> ItemOrder:
        """The order of the items within the tier's section."""
        return self.settings.order_of(tier)

    @property
    def shows_content(self) -> bool:
        """Every item's content stands in its line."""
        return True

    @property
    def bytes_per_character(self) -> int | None:
        """Seven: four of a character, and two of an indent or three of an escape."""
        return None if self.settings.line_templates else 7

    def most_bytes(self, item: MemoryItem) -> int:
        """Bytes of the line, at most."""
        if self.settings.template_of(item.tier) != "{text}":
            return most_bytes(self.line(item)) + BYTES_BESIDES
        content = item.content
        added = 3 * content.count("<") if self._is_xml else 2 * len(content.splitlines())
        return most_bytes(content) + added + BYTES_BESIDES

    @property
    def _is_xml(self) -> bool:
        return self.settings.format is PromptFormat.XML

    @property
    def _is_chat(self) -> bool:
        return self.settings.format is PromptFormat.MESSAGES

    def item_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> list[int]:
        """Tokens of each item as a line, and as a message where it is one if that is more."""
        tokens = checked_counts(counter, [self.line(item) for item in items])
        if not self._is_chat:
            return tokens
        read = [(place, self._said(item)) for place, item in enumerate(items)]
        spoken_at = {place: said for place, said in read if said is not None}
        if not spoken_at:
            return tokens
        texts = checked_counts(counter, [self._body(items[place]) for place in spoken_at])
        roles = checked_counts(counter, [said.role.value for said in spoken_at.values()])
        for (place, said), text, role in zip(spoken_at.items(), texts, roles, strict=True):
            around = MESSAGE_FRAME_TOKENS + role + _tool_tokens(said, counter)
            tokens[place] = max(tokens[place], text + around)
        return tokens

    def opening_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> list[int]:
        """Tokens of each tier's heading and frame."""
        frames = [self.opening(tier) + self.closing(tier) for tier in MemoryTier]
        tokens = checked_counts(counter, frames)
        if not self._is_chat:
            return tokens
        framed = MESSAGE_FRAME_TOKENS + checked_count(counter, "system")
        tokens = [count + framed for count in tokens]
        if all(self.role(item) for item in items if item.tier is MemoryTier.WORKING):
            tokens[MemoryTier.WORKING.code] = 0
        return tokens

    def saved_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> int:
        """The heads of tables that are not written again."""
        heads = [] if self._is_xml else [self._head(item) for item in items]
        if not any(head and head == before for before, head in pairwise(heads)):
            return 0
        lines = zip(map(self.line, items), self.lines(items), strict=True)
        other = [(alone, written) for alone, written in lines if alone != written]
        if not other:
            return 0
        counts = checked_counts(counter, [line for pair in other for line in pair])
        return sum(counts[::2]) - sum(counts[1::2])

    def fixed_tokens(self, counter: TokenCounter) -> int:
        """What primes the reply, where the prompt is chat messages."""
        return REPLY_FRAME_TOKENS if self._is_chat else 0

    def write(self, sections: Sequence[Section]) -> WrittenPrompt:
        """The sections one after the other, each with its heading."""
        parts: list[str] = []
        chat = Chat()
        for tier, items in sections:
            listed, sayings, lines = self._divided(items, has_asked=chat.has_asked)
            if listed:
                text = self._section(tier, listed)
                parts.append(text)
                chat.tell(text)
            parts.extend(lines)
            chat.add(sayings)
        text = "".join(parts)
        messages = chat.messages
        if not self._is_chat and text:
            messages = [{"role": "system", "content": text}]
        return WrittenPrompt(text=text, messages=tuple(messages))

    def _divided(
        self, items: Sequence[MemoryItem], *, has_asked: bool
    ) -> tuple[Sequence[MemoryItem], list[Saying], list[str]]:
        """Items of a section, and those that are messages, with their lines."""
        if not self._is_chat:
            return items, [], []
        read = [(item, self._said(item)) for item in items]
        messages = [(item, said) for item, said in read if said is not None]
        early = 0 if has_asked else before_question([said for _, said in messages])
        told = {id(item) for item, _ in messages[early:]}
        listed = [item for item in items if id(item) not in told]
        sayings = [self._saying(item, said) for item, said in messages[early:]]
        return listed, sayings, [self.line(item) for item, _ in messages[early:]]

    def measure(self, written: WrittenPrompt, counter: TokenCounter) -> PromptTokens:
        """Tokens of the text, and of the messages; chat messages must be within the budget too."""
        if not written.text:  # a counter may say that no text is some tokens
            return PromptTokens(used=0, messages=0, needed=0)
        text = checked_count(counter, written.text)
        if not self._is_chat:
            return PromptTokens(used=text, messages=framed_tokens(text, counter), needed=text)
        messages = message_tokens(written.messages, counter)
        return PromptTokens(used=text, messages=messages, needed=max(text, messages))

    def _section(self, tier: MemoryTier, items: Iterable[MemoryItem]) -> str:
        return self.opening(tier) + "".join(self.lines(items)) + self.closing(tier)

    def lines(self, items: Iterable[MemoryItem]) -> Iterator[str]:
        """The lines of items that stand side by side; rows of one table have one head."""
        before = ""
        for item in items:
            head = "" if self._is_xml else self._head(item)
            if head and head == before:
                yield _indented(f"\n{self._body(item)[len(head) :].lstrip()}\n")[1:]
            else:
                yield self.line(item)
            before = head

    def _head(self, item: MemoryItem) -> str:
        """What the line of an item has above the rows of its table; empty without a table."""
        head = table_head(_trimmed(item.content))
        if not head:
            return ""
        written = self._body(replace(item, content=head))
        # A template may end with something else than the text.
        return written if self._body(item).startswith(written) else ""

    def _body(self, item: MemoryItem) -> str:
        template = self.settings.template_of(item.tier)
        text = _trimmed(item.content)
        if template == "{text}":
            return text
        speaker = name_in(item.metadata, "speaker", "role")
        fields = {
            "date": item.created_at.date().isoformat() if item.created_at else "",
            "speaker": _BREAK.sub(" ", speaker or ""),
            "source": _BREAK.sub(" ", item.source or ""),
            "citation": _BREAK.sub(" ", name_in(item.metadata, "citation") or item.source or ""),
            "id": _BREAK.sub(" ", item.id),
        }
        return _filled(_without_unknown(template, fields), {**fields, "text": text})


def _tool_tokens(said: Spoken, counter: TokenCounter) -> int:
    """What calls, or the id of the call that is answered, add to a message, at most."""
    if not said.calls and said.role is not Role.RESULT:
        return 0
    ids = [part for call in said.calls for part in (call.id, call.name, call.arguments)]
    ids += said.answers
    return MESSAGE_FRAME_TOKENS * max(1, len(said.calls)) + sum(checked_counts(counter, ids))


def _trimmed(content: str) -> str:
    return content.strip("\r\n").rstrip()


def _indented(text: str) -> str:
    # A tenth of the time of a search by _BREAK; both know the same ends of lines.
    return _MARGIN.sub("  ", text) if len(text.splitlines()) > 1 else text


def _without_unknown(template: str, fields: dict[str, str]) -> str:
    """Drop each bracketed part that names a field which the item lacks."""

    def kept(match: re.Match[str]) -> str:
        part = match.group()
        return "" if any(f"{{{name}}}" in part and not fields[name] for name in fields) else part

    return _OPTIONAL_PART.sub(kept, template)


def _filled(template: str, fields: dict[str, str]) -> str:
    """Fill in one pass, so that a placeholder within an item's text stays as it is."""
    return re.sub(
        r"\{(text|speaker|date|source|citation|id)\}",
        lambda match: fields[match.group(1)],
        template,
    )
