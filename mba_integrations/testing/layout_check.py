"""Whether a layout keeps the rules of `PromptLayout` that can be seen from outside."""

from __future__ import annotations

from collections.abc import Sequence

from mba_integrations import MemoryItem, MemoryTier, PromptLayout, TokenCounter
from mba_integrations.core.layout.protocol import Section
from mba_integrations.testing.counters import CharacterCounter
from mba_integrations.testing.rules import HOSTILE_TEXTS, no_error, require, short


def check_prompt_layout(layout: PromptLayout, *, counter: TokenCounter | None = None) -> None:
    """Check a layout with items of every tier and texts that memories may hold.

    Args:
        layout: The layout.
        counter: Counts its prompts; characters by default, which add up.

    Raises:
        AssertionError: With the first rule that is broken.
    """
    counting = counter or CharacterCounter()
    name = f"layout {layout.id!r}"
    require(isinstance(layout.id, str) and layout.id, f"{name}: id must be a text, not empty.")
    tiers = sorted(layout.section_order) == sorted(MemoryTier)
    require(tiers, f"{name}: section_order must name every tier once.")
    with no_error(f"{name}: write of no section", "A prompt may be empty."):
        empty = layout.measure(layout.write([]), counting)
    require(empty.used == 0, f"{name}: an empty prompt measures {empty.used} tokens, must be 0.")
    for tier in MemoryTier:
        items = [
            MemoryItem(f"{tier}{n}", text, tier) for n, text in enumerate(HOSTILE_TEXTS) if text
        ]
        _check_items(layout, name, items, counting)
    _check_beginning(layout, name)


def _check_items(
    layout: PromptLayout, name: str, items: Sequence[MemoryItem], counter: TokenCounter
) -> None:
    with no_error(f"{name}: item_tokens", "Rule 4: items are untrusted."):
        tokens = layout.item_tokens(items, counter)
    whole = len(tokens) == len(items) and all(isinstance(n, int) and n >= 0 for n in tokens)
    require(whole, f"{name}: item_tokens must give an integer >= 0 for each item.")
    for item in items:
        sections = [(item.tier, [item])]
        with no_error(f"{name}: write of {short(item.content)}", "Rule 4: items are untrusted."):
            written = layout.write(sections)
            measured = layout.measure(written, counter)
        again = layout.measure(layout.write(sections), counter)
        told = f"{name}: two measures of {short(item.content)} differ; rule 3."
        require(measured == again, told)
        if layout.shows_content:
            _check_shown(name, item, written.text)


def _check_shown(name: str, item: MemoryItem, text: str) -> None:
    lost = [line for line in item.content.split("\n") if line.strip(" \0\x1b") not in text]
    told = f"{name}: shows_content is true, but {short(item.content)} is not in the prompt; rule 5."
    require(not lost or "<" in item.content, told)


def _check_beginning(layout: PromptLayout, name: str) -> None:
    """Another section of a tier that is there must leave what stands before it as it is."""
    first, second = (MemoryItem(n, f"The text of {n}.", MemoryTier.RAG) for n in ("one", "two"))
    before: list[Section] = [(MemoryTier.RAG, [first])]
    text = layout.write(before).text
    kept = text[: text.rfind(first.content) + len(first.content)] if first.content in text else ""
    later = layout.write([*before, (MemoryTier.RAG, [second])]).text
    told = f"{name}: a section that is written after others changes what stands before it; rule 6."
    require(later.startswith(kept), told)
