"""`MemoryBudgetPostprocessor`: the retrieved nodes that fit a token budget.

It counts what the model will see: the nodes' text with the metadata that is meant for the model,
joined as the synthesizer joins them. Which nodes come in is the core's decision. Nodes are never
changed; what comes out are the objects that came in, with one exception (`shorten`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

import llama_index.core.instrumentation as instrument
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.llms.llm import LLM
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.prompts.base import BasePromptTemplate
from llama_index.core.response_synthesizers.base import BaseSynthesizer
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle

from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.config.settings import ItemOrder
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.counting.truncation import truncate
from mba_integrations.core.derived import Derived
from mba_integrations.core.errors import InputError
from mba_integrations.core.layout.protocol import WrittenPrompt
from mba_integrations.core.model import MemoryItem, OmissionReason
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.llamaindex.component import BudgetTokens, Component, MediaTokens
from mba_integrations.llamaindex.counters import LiveAllocator, counter_of_tokenizer
from mba_integrations.llamaindex.embedding import LlamaIndexEmbedder
from mba_integrations.llamaindex.events import allocation_event
from mba_integrations.llamaindex.ledger import BudgetLedger, Participant
from mba_integrations.llamaindex.messages.counting import DEFAULT_MEDIA_TOKENS
from mba_integrations.llamaindex.retrieval.context_layout import (
    ContextLayout,
    around_context,
    template_text,
)
from mba_integrations.llamaindex.retrieval.nodes import (
    items_from_nodes,
    llm_text,
    media_count,
    missing_notes,
    usable_vectors,
)
from mba_integrations.llamaindex.retrieval.prompt_room import PromptRoom

dispatcher = instrument.get_dispatcher(__name__)

_UNWANTED = (
    OmissionReason.BELOW_THRESHOLD,
    OmissionReason.BELOW_PRICE,
    OmissionReason.TIER_EXCLUDED,
)
"""Reasons for which a node stays out whatever its length."""

_FOUND = WorkspaceConfig(workspace_id="default", token_price=0.0)
"""What a retriever found is not doubted: an engine that gets no node answers without its model."""

Vector = Sequence[float] | FloatArray
Vectors = tuple[Sequence[Vector | None] | FloatArray, Vector | None, tuple[str, ...]]
"""Of the nodes, and of the query, and what to tell of those that are missing."""


@dataclass(frozen=True, slots=True)
class _Bound:
    """What one call must keep to; `tokens` is None where the workspace decides."""

    tokens: int | None
    live: LiveAllocator


class MemoryBudgetPostprocessor(Component, BaseNodePostprocessor):
    """Keeps the retrieved nodes that fit.

    Args:
        budget_tokens: Tokens that the context may have, >= 1; with `prompt_template` those of the
            whole prompt. None for the workspace's ceiling by the complexity of the query.
        fit: `"prompt"` keeps the context to what one synthesis call leaves free, so that
            `CompactAndRefine` makes one call. A `budget_tokens` below that applies as well.
        workspace: Settings of the choice; the core's defaults without it.
        order: Order of what comes out: by `value`, `chronological` (by `created_at` in the
            metadata, document and place in it), best at both `ends`, or as they came (`input`).
        separator: What the synthesizer puts between two nodes.
        prompt_template: Template around the context, whose text counts with it.
        multimodal: Whether the synthesizer sends images, audio and video too.
        media_tokens: Tokens of each of those, an estimate.
        shorten: Where no node fits, return a copy of the best one that is cut to fit, without its
            metadata. Without it nothing is returned, and the synthesizer says "Empty Response".
        ledger: Joint budget with a `BudgetedMemory`.
        session_id: Names the conversation: nodes that stay from one call to the next keep their
            order and new ones follow, so that a provider's prompt cache keeps its prefix. With
            `order="value"` only.
        token_counter: What counts; the user's `Settings.tokenizer`, or the counter of the
            workspace's model, without it. With `fit="prompt"` the synthesizer's own tokenizer
            counts, since it decides on the number of calls.
        embed_model: Embeds the nodes' texts and the query for the choice, each text once. Without
            it the embeddings of nodes and query are used where both have one of the same length.
            The order of the nodes' scores is a signal in any case.
        llm: The model of `fit="prompt"`; `Settings.llm` without it.
        room: What `fit="prompt"` works with, in place of `llm` and the default templates.

    The last four are not part of `to_dict`.

    Raises:
        InputError: If arguments contradict each other.
    """

    budget_tokens: BudgetTokens | None = None
    fit: Literal["budget", "prompt"] = "budget"
    workspace: WorkspaceConfig | None = None
    order: ItemOrder = ItemOrder.VALUE
    separator: str = "\n\n"
    prompt_template: str | None = None
    multimodal: bool = False
    media_tokens: MediaTokens = DEFAULT_MEDIA_TOKENS
    shorten: bool = True
    ledger: BudgetLedger | None = None
    session_id: str | None = Field(default=None, min_length=1)

    _token_counter: object = PrivateAttr()
    _room: PromptRoom = PrivateAttr()
    _embedder: LlamaIndexEmbedder | None = PrivateAttr()
    _allocators: Derived[LiveAllocator] = PrivateAttr(default_factory=Derived)
    _fitting: Derived[LiveAllocator] = PrivateAttr(default_factory=Derived)

    def __init__(
        self,
        *,
        token_counter: object = None,
        embed_model: BaseEmbedding | None = None,
        llm: LLM | None = None,
        room: PromptRoom | None = None,
        prompt_template: BasePromptTemplate | str | None = None,
        **fields: Any,
    ) -> None:
        if prompt_template is not None:
            fields["prompt_template"] = template_text(prompt_template, llm)
        super().__init__(**fields)
        self._token_counter = token_counter
        self._room = room or PromptRoom(llm=llm)
        self._embedder = None if embed_model is None else LlamaIndexEmbedder(embed_model)
        self._check()
        self._now()  # A counter that is none is refused here, not at the first call.

    @classmethod
    def class_name(cls) -> str:
        """Name in serialised form."""
        return "MemoryBudgetPostprocessor"

    @classmethod
    def from_synthesizer(
        cls, synthesizer: BaseSynthesizer, **arguments: Any
    ) -> MemoryBudgetPostprocessor:
        """With `fit="prompt"` for *synthesizer*: its model, its templates, its padding."""
        return cls(fit="prompt", room=PromptRoom.of_synthesizer(synthesizer), **arguments)

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        embedder = self._embedder
        if embedder is None or not nodes or not _has_words(query_bundle):
            return self._choose(nodes, query_bundle, self._known_vectors(nodes, query_bundle))
        query = embedder.query(query_bundle.query_str)
        return self._choose(nodes, query_bundle, _vectors_of(embedder, nodes, query))

    async def _apostprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        """As the synchronous one, but models are awaited; in the task that called, not a thread."""
        embedder = self._embedder
        if embedder is None or not nodes or not _has_words(query_bundle):
            return self._choose(nodes, query_bundle, self._known_vectors(nodes, query_bundle))
        query = await embedder.aquery(query_bundle.query_str)
        await embedder.aprepare(_texts_of(nodes))
        return self._choose(nodes, query_bundle, _vectors_of(embedder, nodes, query))

    def _check(self) -> None:
        if self.fit == "prompt" and self._token_counter is not None:
            raise InputError(
                'token_counter has no effect with fit="prompt": the synthesizer counts by its own '
                "tokenizer. Set Settings.tokenizer instead."
            )
        if self.fit == "prompt" and self.ledger is not None:
            raise InputError(
                'fit="prompt" does not know the history. Give the ledger alone, made by '
                "BudgetLedger.for_model."
            )
        if self.fit == "prompt" and self.prompt_template is not None:
            raise InputError('fit="prompt" counts the synthesizer\'s templates by itself.')
        if self.session_id is not None and self.order is not ItemOrder.VALUE:
            raise InputError(
                f'session_id keeps the order of the call before, which order="{self.order.value}" '
                'does not allow. Use order="value", or no session_id.'
            )

    def _now(self) -> LiveAllocator:
        return self._allocators.of(self._made, self.workspace)

    def _made(self, _: object) -> LiveAllocator:
        return LiveAllocator(self._settings(), token_counter=self._token_counter)

    def _settings(self) -> WorkspaceConfig:
        """The workspace without passages: a passage is no node."""
        config = self.workspace or _FOUND
        return config.model_copy(update={"passage_min_tokens": None})

    def _known_vectors(
        self, nodes: Sequence[NodeWithScore], query_bundle: QueryBundle | None
    ) -> Vectors:
        """Embeddings that nodes and query bring, where all can be compared."""
        asked = query_bundle.embedding if query_bundle is not None else None
        given = [scored.node.embedding for scored in nodes]
        query, *own = usable_vectors([asked, *given])
        notes = missing_notes(asked, query, given, own)
        if query is not None and {len(query)} == {len(one) for one in own if one is not None}:
            return own, query, notes
        return [None] * len(nodes), None, notes

    def _choose(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None, vectors: Vectors
    ) -> list[NodeWithScore]:
        query = query_bundle.query_str if query_bundle is not None else ""
        used = 0
        chosen: list[NodeWithScore] = []
        bound = self._bound(query) if nodes else None
        if bound is not None and (bound.tokens is None or bound.tokens >= 1):
            items = items_from_nodes(nodes, vectors=vectors[0])
            layout = self._layout(nodes, items, query)
            allocation = self._allocate(bound.live.allocator)(
                query,
                items,
                bound.live.workspace.workspace_id,
                budget_tokens=bound.tokens,
                query_embedding=vectors[1],
                layout=layout,
            )
            node_of = dict(zip((item.id for item in items), nodes, strict=True))
            chosen = [node_of[selected.id] for selected in allocation.selected]
            used = allocation.used_tokens
            if not chosen and self.shorten:
                chosen, used = self._shortened(nodes, allocation, bound.live.counter, layout)
            dispatcher.event(allocation_event(self.class_name(), allocation, vectors[2]))
        if self.ledger is not None:
            self.ledger.take(Participant.DOCUMENTS, used)
        return chosen

    def _allocate(self, allocator: MemoryBudgetAllocator) -> Callable[..., Allocation]:
        """What allocates: a session's call where there is a session."""
        if self.session_id is None:
            return allocator.allocate_memory_budget
        return allocator.session(self.session_id).allocate_memory_budget

    def _bound(self, query: str) -> _Bound:
        limits = [self.budget_tokens]
        live = self._now()
        if self.ledger is not None:
            limits.append(self.ledger.room(Participant.DOCUMENTS))
        if self.fit == "prompt":
            call = self._room.for_query(query)
            limits.append(call.max_tokens)
            live = self._fitting.of(self._made_fitting, self.workspace, call.tokenizer)
        known = [limit for limit in limits if limit is not None]
        return _Bound(min(known) if known else None, live)

    def _made_fitting(self, _: object, tokenizer: Any) -> LiveAllocator:
        """The allocator that counts as the synthesizer does."""
        return LiveAllocator(self._settings(), token_counter=counter_of_tokenizer(tokenizer))

    def _layout(
        self, nodes: Sequence[NodeWithScore], items: Sequence[MemoryItem], query: str
    ) -> ContextLayout:
        before, after = "", ""
        if self.prompt_template is not None:
            before, after = around_context(self.prompt_template, query)
        media = {}
        if self.multimodal:
            media = {
                item.id: count * self.media_tokens
                for item, scored in zip(items, nodes, strict=True)
                if (count := media_count(scored.node))
            }
        return ContextLayout(
            separator=self.separator,
            order=self.order,
            before=before,
            after=after,
            media_tokens=media,
        )

    def _shortened(
        self,
        nodes: Sequence[NodeWithScore],
        allocation: Allocation,
        counter: TokenCounter,
        layout: ContextLayout,
    ) -> tuple[list[NodeWithScore], int]:
        """The best node as a copy that is cut to the budget, and its tokens; nothing if none is."""
        candidates = zip(allocation.omitted, nodes, strict=True)
        for omitted, scored in sorted(candidates, key=lambda pair: -pair[0].score):
            if omitted.reason in _UNWANTED:
                continue
            text = scored.node.get_content(metadata_mode=MetadataMode.NONE).strip()
            cut, tokens = _cut(text, allocation.budget_tokens, counter, layout)
            if cut:
                return [_with_text(scored, cut)], tokens
        return [], 0


def _has_words(query_bundle: QueryBundle | None) -> TypeGuard[QueryBundle]:
    return query_bundle is not None and bool(query_bundle.query_str.strip())


def _texts_of(nodes: Sequence[NodeWithScore]) -> list[str]:
    """The texts of the nodes that have one, as only these are embedded."""
    return [text for scored in nodes if (text := llm_text(scored.node))]


def _vectors_of(
    embedder: LlamaIndexEmbedder, nodes: Sequence[NodeWithScore], query: FloatArray
) -> Vectors:
    """Vectors of the nodes that have one; none if the query has none."""
    (asked,) = usable_vectors([query])
    texts = _texts_of(nodes)
    if asked is None or not texts:
        return [None] * len(nodes), None, missing_notes(query, asked)
    made = dict(zip(texts, embedder(texts), strict=True))
    found = [made.get(llm_text(scored.node)) for scored in nodes]
    usable = usable_vectors(found)
    return usable, asked, missing_notes(query, asked, found, usable)


def _cut(
    text: str, budget_tokens: int, counter: TokenCounter, layout: ContextLayout
) -> tuple[str, int]:
    """The longest beginning of *text* that fits where the layout puts it, and its tokens."""
    room = budget_tokens - layout.fixed_tokens(counter)
    while room > 0:
        cut = truncate(counter, text, room)[0].strip()
        tokens = layout.measure(WrittenPrompt(text=cut), counter)
        if not cut or tokens.needed <= budget_tokens:
            return cut, tokens.used
        room -= tokens.needed - budget_tokens
    return "", 0


def _with_text(scored: NodeWithScore, text: str) -> NodeWithScore:
    """A copy whose text for the model is *text* alone."""
    node = scored.node.model_copy()
    node.excluded_llm_metadata_keys = list(node.metadata)
    node.set_content(text)
    return NodeWithScore(node=node, score=scored.score)
