"""LlamaIndex nodes as memory items: their text for the model, their place in their document.

Nodes are read, never changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from llama_index.core.schema import BaseNode, ImageNode, MetadataMode, Node, NodeWithScore

from mba_integrations.core.arguments import checked_iterable
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier, TierName

NO_TEXT = "-"
"""Stands for the text of a node that has none, which an item must have; it is not written. A node
may have this very text: what tells the two apart is `has_text`. It is one word, since to the core
equal texts of several words are one that is said twice, which two images are not."""
_SILENT = "no_text"


def llm_text(node: BaseNode) -> str:
    """What a synthesizer writes of the node: text and metadata for the model, stripped."""
    return node.get_content(metadata_mode=MetadataMode.LLM).strip()


def has_text(item: MemoryItem) -> bool:
    """Whether the node that an item was made from has a text for the model."""
    return _SILENT not in item.metadata


def media_count(node: BaseNode) -> int:
    """Images, audio and video that a multimodal synthesizer sends besides the text."""
    if isinstance(node, ImageNode):
        return int(bool(node.image or node.image_path or node.image_url))
    if isinstance(node, Node):
        media = (node.image_resource, node.audio_resource, node.video_resource)
        return sum(resource is not None for resource in media)
    return 0


def items_from_nodes(
    nodes: Sequence[NodeWithScore],
    *,
    tier: MemoryTier | TierName = MemoryTier.RAG,
    vectors: Sequence[Sequence[float] | FloatArray | None] | FloatArray | None = None,
) -> list[MemoryItem]:
    """One item for each node, in order.

    An item's id is that of its node; where a node comes a second time, `#` and a number follow.
    A vector that is empty or not finite counts as missing.

    Args:
        nodes: What a retriever or a reranker returned; its scores are the items' `retriever_score`.
        tier: Tier of all items.
        vectors: Embedding of each node, or None where it has none.

    Raises:
        InputError: If there are more or fewer vectors than nodes.
    """
    positions = _positions([scored.node for scored in nodes])
    given = [None] * len(nodes) if vectors is None else _vectors_for(nodes, vectors)
    ids = _unique_ids(nodes)
    texts = [llm_text(scored.node) for scored in nodes]
    return [
        MemoryItem(
            ids[place],
            texts[place] or NO_TEXT,
            tier,
            source=scored.node.ref_doc_id or None,
            position=positions[place],
            created_at=_created_at(scored.node),
            embedding=given[place],
            metadata={} if texts[place] else {_SILENT: True},
            retriever_score=_finite(scored.score),
        )
        for place, scored in enumerate(nodes)
    ]


def _unique_ids(nodes: Sequence[NodeWithScore]) -> list[str]:
    """An id for each node; none that is made up is that of another node."""
    own = [scored.node.node_id or str(place) for place, scored in enumerate(nodes)]
    taken = set(own)
    ids: dict[str, None] = {}
    for place, node_id in enumerate(own):
        made = node_id
        while made in ids or (made in taken and made != node_id):
            made = f"{made}#{place}"
        ids[made] = None
    return list(ids)


def _vectors_for(
    nodes: Sequence[NodeWithScore],
    vectors: Sequence[Sequence[float] | FloatArray | None] | FloatArray,
) -> list[FloatArray | None]:
    checked_iterable("vectors", vectors, "a list with an embedding or None for each node")
    if len(vectors) != len(nodes):
        raise InputError(f"there are {len(vectors):,} vectors for {len(nodes):,} nodes.")
    return usable_vectors(vectors)


def usable_vectors(
    vectors: Sequence[Sequence[float] | FloatArray | None] | FloatArray,
) -> list[FloatArray | None]:
    """The vectors, with None for those that are empty, not finite, or no row of numbers."""
    return [None if one is None else _usable(one) for one in vectors]


def missing_notes(
    question: object,
    usable: FloatArray | None,
    of_nodes: Sequence[object] = (),
    usable_of_nodes: Sequence[FloatArray | None] = (),
) -> tuple[str, ...]:
    """What to tell of vectors that count as missing.

    Args:
        question: What was given or made for the question; None for nothing.
        usable: What of it is usable.
        of_nodes: What was given or made for each node; None for nothing.
        usable_of_nodes: What of these is usable.
    """
    why = "is empty or not finite, and counts as missing"
    pairs = zip(of_nodes, usable_of_nodes, strict=True)
    nodes = sum(given is not None and own is None for given, own in pairs)
    asked = [f"the vector of the question {why}"] if question is not None and usable is None else []
    return (*asked, *([f"the vector of {nodes:,} nodes {why}"] if nodes else []))


def _usable(vector: Sequence[float] | FloatArray) -> FloatArray | None:
    try:
        made = np.asarray(vector, dtype=np.float32)
    except (TypeError, ValueError, OverflowError):
        return None
    return made if made.ndim == 1 and made.size and np.isfinite(made).all() else None


def _finite(score: float | None) -> float | None:
    return None if score is None or not math.isfinite(score) else float(score)


def _positions(nodes: Sequence[BaseNode]) -> list[float | None]:
    """Place of each node in its document: by where its text starts, else along next and previous.

    Nodes of one document that name no start are put in order by the chain of their relations.
    """
    starts = [getattr(node, "start_char_idx", None) for node in nodes]
    chain = _chain_places(nodes)
    return [
        float(start) if start is not None else chain.get(node.node_id)
        for node, start in zip(nodes, starts, strict=True)
    ]


def _chain_places(nodes: Sequence[BaseNode]) -> dict[str, float]:
    """Place along the chain of next and previous nodes; nodes without a relation are left out."""
    following = {}
    for node in nodes:
        if node.next_node is not None:
            following[node.node_id] = node.next_node.node_id
        if node.prev_node is not None:
            following.setdefault(node.prev_node.node_id, node.node_id)
    places: dict[str, float] = {}
    led_to = set(following.values())
    for first in (one for one in following if one not in led_to):
        current, place = first, 0.0
        while current not in places:
            places[current] = place
            if current not in following:
                break
            current, place = following[current], place + 1.0
    return places


def _created_at(node: BaseNode) -> datetime | None:
    """The node's `created_at` in its metadata, where it is a time with a zone."""
    value: Any = node.metadata.get("created_at")
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) and value.tzinfo is not None else None
