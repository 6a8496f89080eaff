"""A layout that remembers what it was asked to write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mba_integrations import JoinedTexts
from mba_integrations.core.layout.protocol import Section, WrittenPrompt


@dataclass(frozen=True, kw_only=True)
class RecordingLayout(JoinedTexts):
    """`JoinedTexts` that keeps the ids of every prompt it wrote, the last one at the end.

    An allocation may write more than one prompt before it finds the one that it gives back.

    >>> from mba_integrations import MemoryItem, MemoryTier
    >>> layout = RecordingLayout(separator=" ")
    >>> layout.write([(MemoryTier.RAG, [MemoryItem("a", "Kate skis.", "rag")])]).text
    'Kate skis.'
    >>> layout.written
    [('a',)]
    """

    written: list[tuple[str, ...]] = field(default_factory=list, compare=False)

    def write(self, sections: Sequence[Section]) -> WrittenPrompt:
        """The texts, joined."""
        self.written.append(tuple(item.id for _, items in sections for item in items))
        return super().write(sections)
