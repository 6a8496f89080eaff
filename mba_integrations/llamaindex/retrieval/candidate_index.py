"""`CandidateIndex`: any retriever of LlamaIndex in front of `RagService.retrieve`.

Scores count where they fall along the list. Where a node has none, or they rise, as distances do,
the order in which the retriever returns the nodes counts, the best first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import MetadataMode, NodeWithScore

from mba_integrations.core.arguments import checked_whole, shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.llamaindex.retrieval.nodes import items_from_nodes
from mba_integrations.services.rag.candidates import as_candidate


@dataclass(frozen=True, slots=True)
class CandidateIndex:
    """What a retriever finds, as the `candidates` of `RagService.retrieve` and of the clients.

    Ids and metadata of the nodes stay, so that what comes into the prompt is cited; the text is
    that of the node, without its metadata. Nodes without text are left out.

    Args:
        index: A retriever, with the filters and the number of nodes that it was made with: more
            than the prompt will have of them.
        k: Most candidates, >= 1: the first *k* nodes are taken.

    Raises:
        InputError: If an argument is something else.
    """

    index: BaseRetriever
    k: int = 50

    def __post_init__(self) -> None:
        if not isinstance(self.index, BaseRetriever):
            raise InputError(
                f"index must be a retriever, got {shown(self.index)}. "
                "Of an index give index.as_retriever(similarity_top_k=...)."
            )
        checked_whole("k", self.k, at_least=1)

    def candidates(self, query: str) -> list[dict[str, Any]]:
        """What the retriever finds; nothing for a question without text. Its errors are raised as
        they are."""
        return self._of(self.index.retrieve(query)) if query.strip() else []

    async def acandidates(self, query: str) -> list[dict[str, Any]]:
        """As `candidates`, by the retriever's own asynchronous search."""
        return self._of(await self.index.aretrieve(query)) if query.strip() else []

    def _of(self, nodes: Sequence[NodeWithScore]) -> list[dict[str, Any]]:
        taken = nodes[: self.k]
        items = zip(_by_order(items_from_nodes(taken)), taken, strict=True)
        texts = ((item, one.node, one.node.get_content(MetadataMode.NONE)) for item, one in items)
        return [
            as_candidate(replace(item, content=text), node.metadata)
            for item, node, text in texts
            if text.strip()
        ]


def _by_order(items: list[MemoryItem]) -> list[MemoryItem]:
    """The items with scores that fall along the list: their own, or else by their places."""
    scores = [item.retriever_score for item in items]
    known = [score for score in scores if score is not None]
    if len(known) == len(scores) and all(one >= after for one, after in pairwise(known)):
        return items
    return [replace(item, retriever_score=-float(place)) for place, item in enumerate(items)]
