"""What the fuzz run calls in the adapter for LlamaIndex.

Messages and nodes are the framework's own; what they hold is hostile: texts, ids, calls of tools,
embeddings, scores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle, TextNode

from benchmarks.fuzz_core import Call, Problems, calling, number_of_tokens, over
from benchmarks.fuzz_values import PLAIN_COUNTERS, Draw
from mba_integrations import llamaindex


def _nodes(draw: Draw) -> list[NodeWithScore]:
    return [
        NodeWithScore(
            node=TextNode(
                text=draw.text(),
                id_=draw.identifier(),
                metadata={str(key): repr(value) for key, value in draw.metadata().items()},
                embedding=draw.one([None, None, [1.0, 2.0], [], [float("nan")] * 2, [1e39] * 2]),
            ),
            score=draw.one([None, 0.5, -1.0, 1e308, float("nan"), float("inf")]),
        )
        for _ in range(draw.random.randrange(8))
    ]


def _chat(draw: Draw) -> list[ChatMessage]:
    kinds = list(MessageRole)
    return [
        ChatMessage(
            role=draw.one([MessageRole.USER, MessageRole.ASSISTANT, draw.one(kinds)]),
            content=draw.one([draw.text(), draw.text(), None]),
            additional_kwargs=draw.one([{}, {}, {"tool_call_id": draw.identifier()},
                                        {"tool_calls": [{"id": draw.identifier()}]},
                                        {"function_call": draw.identifier()}]),
        )
        for _ in range(draw.random.randrange(9))
    ]  # fmt: skip


def nodes(draw: Draw) -> Call:
    """Items from nodes."""
    found = _nodes(draw)
    named = {draw.one(["tier", "vectors"]): draw.anything()} if draw.chance(0.1) else {}
    return calling(llamaindex.items_from_nodes, found, **named)


def turns(draw: Draw) -> Call:
    """Items from messages."""
    named = {"source": draw.perhaps("s", 0.1), "first_position": draw.one([0, -3, 10**400])}
    return calling(llamaindex.items_from_messages, _chat(draw), **named)


def message_tokens(draw: Draw) -> Call:
    """Counts of hostile messages."""
    from mba_integrations.core.counting.given_counters import as_token_counter

    counter, messages = draw.counter(), _chat(draw)
    return calling(
        lambda **given: llamaindex.MessageTokens(as_token_counter(counter)).of_list(**given),
        messages=messages,
    )


def chat_memory(draw: Draw) -> Call:
    """A chat memory whose view must be within its budget."""
    budget, messages, counter = number_of_tokens(draw), _chat(draw), draw.one(PLAIN_COUNTERS)
    named: dict[str, Any] = {}
    if draw.chance(0.2):
        named[draw.one(["recent_share", "media_tokens", "chat_store_key", "long_term"])] = (
            draw.anything()
        )
    query, later = draw.text(), _chat(draw)

    def run() -> Problems:
        memory = llamaindex.BudgetedMemory.from_defaults(budget, token_counter=counter, **named)
        memory.put_messages(messages)
        counts = llamaindex.MessageTokens(memory_counter(counter))
        for more in (None, later):
            if more is not None:
                memory.put_messages(more)
            used = counts.of_list(memory.get(query))
            yield from over(used, budget)

    return Call(run, {"budget": budget, "messages": messages, "query": query, "later": later,
                      "counter": counter, **named})  # fmt: skip


def memory_counter(counter: Any) -> Any:
    """A `TokenCounter` of a function."""
    from mba_integrations.core.counting.given_counters import as_token_counter

    return as_token_counter(counter)


def postprocessor(draw: Draw) -> Call:
    """Nodes that fit."""
    budget, found, counter = number_of_tokens(draw), _nodes(draw), draw.one(PLAIN_COUNTERS)
    named: dict[str, Any] = {"shorten": draw.chance(0.3)}
    if draw.chance(0.3):
        named[draw.one(["separator", "session_id", "order", "media_tokens"])] = draw.anything()
    query = QueryBundle(draw.text(), embedding=draw.one([None, [1.0, 2.0], [], [float("nan")]]))

    def run() -> Problems:
        keeps = llamaindex.MemoryBudgetPostprocessor(
            budget_tokens=budget, token_counter=counter, **named
        )
        kept = keeps.postprocess_nodes(found, query)
        # As `CompactAndRefine` writes them: stripped, and without those of white space.
        texts = [one.node.get_content(MetadataMode.LLM).strip() for one in kept]
        yield from over(counter(keeps.separator.join(filter(None, texts))), budget)

    return Call(run, {"budget": budget, "nodes": found, "query": query, "counter": counter,
                      **named})  # fmt: skip


def memory_block(draw: Draw) -> Call:
    """Turns that left the short-term memory."""
    import asyncio

    budget, messages = number_of_tokens(draw), _chat(draw)

    def run() -> Problems:
        block = llamaindex.BudgetedMemoryBlock(name="b", budget_tokens=budget)
        asyncio.run(block.aput(messages))
        asyncio.run(block.aget(messages))
        return iter(())

    return Call(run, {"budget": budget, "messages": messages})


def ledger(draw: Draw) -> Call:
    """A joint budget with any numbers."""
    named = {"budget_tokens": draw.count(), "history_share": draw.perhaps(0.5, 0.4)}
    return calling(llamaindex.BudgetLedger, **named)


def index_embedder(draw: Draw) -> Call:
    """LlamaIndex's embedding model, and what is none."""
    model = draw.perhaps(MockEmbedding(embed_dim=3), 0.4)
    named = {"max_entries": draw.number()} if draw.chance(0.4) else {}

    def run() -> Problems:
        llamaindex.LlamaIndexEmbedder(model, **named)(["a", "b"])
        return iter(())

    return Call(run, {"model": model, **named})


TARGETS: Mapping[str, Callable[[Draw], Call]] = {
    "llamaindex.items_from_nodes": nodes,
    "llamaindex.items_from_messages": turns,
    "llamaindex.MessageTokens": message_tokens,
    "llamaindex.BudgetedMemory": chat_memory,
    "llamaindex.MemoryBudgetPostprocessor": postprocessor,
    "llamaindex.BudgetedMemoryBlock": memory_block,
    "llamaindex.BudgetLedger": ledger,
    "llamaindex.LlamaIndexEmbedder": index_embedder,
}
