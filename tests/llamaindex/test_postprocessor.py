"""`MemoryBudgetPostprocessor` behind LlamaIndex' own synthesizers."""

from __future__ import annotations

import asyncio
import random
from contextvars import ContextVar
from typing import Any

import pytest
from llama_index.core import Settings, VectorStoreIndex
from llama_index.core.indices.prompt_helper import PromptHelper
from llama_index.core.prompts import PromptTemplate
from llama_index.core.response_synthesizers import CompactAndRefine
from llama_index.core.schema import (
    ImageNode,
    MetadataMode,
    NodeRelationship,
    NodeWithScore,
    QueryBundle,
    RelatedNodeInfo,
    TextNode,
)
from llamaindex_models import LetterEmbedding, ScriptedLLM, prose, recorded_events

from benchmarks import llamaindex_fit
from mba_integrations import BudgetError, InputError, WorkspaceConfig, counter_for_model
from mba_integrations.llamaindex import (
    BudgetLedger,
    MemoryBudgetPostprocessor,
    items_from_nodes,
)
from mba_integrations.llamaindex.retrieval.prompt_room import PromptRoom

pytestmark = pytest.mark.usefixtures("own_event_loop")

COUNT = counter_for_model("gpt-4o").count
QUESTION = "Which river has a bridge?"


def words(text: str) -> int:
    return len(text.split())


def retrieved(sizes: list[int], **metadata: Any) -> list[NodeWithScore]:
    """Nodes of that many words, the first with the highest score."""
    return [
        NodeWithScore(
            node=TextNode(id_=f"n{place}", text=prose(size, place), metadata=dict(metadata)),
            score=0.9 - place / 100,
        )
        for place, size in enumerate(sizes)
    ]


def context_of(nodes: list[NodeWithScore], separator: str = "\n\n") -> str:
    texts = [scored.node.get_content(metadata_mode=MetadataMode.LLM).strip() for scored in nodes]
    return separator.join(texts)


@pytest.mark.parametrize(
    ("budget", "kept"),
    [
        pytest.param(60, 3, id="all-fit"),
        pytest.param(59, 2, id="one-word-over"),
        pytest.param(20, 1, id="exactly-one"),
    ],
)
def test_nodes_that_fit_come_out_as_they_went_in(budget: int, kept: int) -> None:
    nodes = retrieved([20, 20, 20])
    post = MemoryBudgetPostprocessor(budget_tokens=budget, token_counter=words)
    chosen = post.postprocess_nodes(nodes, query_str=QUESTION)
    assert len(chosen) == kept
    assert all(any(one is scored for scored in nodes) for one in chosen)
    assert words(context_of(chosen)) <= budget


def test_metadata_for_the_model_counts_and_other_metadata_does_not() -> None:
    nodes = retrieved([10], title="four words of title", secret="words " * 50)
    nodes[0].node.excluded_llm_metadata_keys = ["secret"]
    text = context_of(nodes)
    assert "title: four words of title" in text
    fits = MemoryBudgetPostprocessor(budget_tokens=words(text), token_counter=words)
    assert fits.postprocess_nodes(nodes, query_str=QUESTION)[0] is nodes[0]
    tight = MemoryBudgetPostprocessor(
        budget_tokens=words(text) - 1, token_counter=words, shorten=False
    )
    assert tight.postprocess_nodes(nodes, query_str=QUESTION) == []


def test_separator_counts() -> None:
    nodes = retrieved([5, 5])
    post = MemoryBudgetPostprocessor(budget_tokens=12, token_counter=words, separator=" a b c ")
    assert len(post.postprocess_nodes(nodes, query_str=QUESTION)) == 1
    post = MemoryBudgetPostprocessor(budget_tokens=13, token_counter=words, separator=" a b c ")
    assert len(post.postprocess_nodes(nodes, query_str=QUESTION)) == 2


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("Read this: {context_str} Now answer: {query_str}", id="text"),
        pytest.param(
            PromptTemplate("Read this: {context_str} Now answer: {query_str}"), id="template"
        ),
    ],
)
def test_template_and_question_are_within_the_budget(template: Any) -> None:
    nodes = retrieved([10, 10, 10])
    fixed = words("Read this: Now answer: " + QUESTION)
    for room, kept in ((20, 2), (19, 1)):
        post = MemoryBudgetPostprocessor(
            budget_tokens=fixed + room, token_counter=words, prompt_template=template
        )
        assert len(post.postprocess_nodes(nodes, query_str=QUESTION)) == kept


def test_nothing_comes_out_where_the_template_alone_is_over_the_budget() -> None:
    image = NodeWithScore(node=ImageNode(image_url="https://example.org/map.png"), score=0.9)
    post = MemoryBudgetPostprocessor(
        budget_tokens=3, token_counter=words, prompt_template="one two three four {context_str}"
    )
    assert post.postprocess_nodes([image, *retrieved([5])], query_str=QUESTION) == []


def test_template_without_a_place_for_documents_is_refused() -> None:
    with pytest.raises(InputError, match=r"no \{context_str\}"):
        MemoryBudgetPostprocessor(budget_tokens=9, prompt_template="Answer: {query_str}")


def test_where_no_node_fits_the_best_is_cut_in_a_copy() -> None:
    nodes = retrieved([50, 50], title="a title")
    before = [scored.model_dump() for scored in nodes]
    post = MemoryBudgetPostprocessor(budget_tokens=20, token_counter=COUNT)
    [cut] = post.postprocess_nodes(nodes, query_str=QUESTION)
    text = context_of([cut])
    assert 15 <= COUNT(text) <= 20
    assert any(scored.node.get_content().startswith(text) for scored in nodes)
    assert [scored.model_dump() for scored in nodes] == before


@pytest.mark.parametrize("score", [None, float("nan"), float("inf"), -3.0, 17.5])
def test_any_score_is_taken(score: float | None) -> None:
    nodes = retrieved([10, 10])
    nodes[0].score = score
    post = MemoryBudgetPostprocessor(budget_tokens=20, token_counter=words)
    assert len(post.postprocess_nodes(nodes, query_str=QUESTION)) == 2


def test_without_a_query_the_scores_decide() -> None:
    nodes = retrieved([10, 10, 10, 10])
    nodes[2].score = 0.99
    post = MemoryBudgetPostprocessor(budget_tokens=10, token_counter=words)
    assert post.postprocess_nodes(nodes) == [nodes[2]]


def test_no_nodes_give_no_nodes() -> None:
    post = MemoryBudgetPostprocessor(budget_tokens=10, token_counter=words)
    assert post.postprocess_nodes([], query_str=QUESTION) == []
    assert asyncio.run(post.apostprocess_nodes([], query_str=QUESTION)) == []


def test_a_node_that_was_retrieved_twice_is_no_error() -> None:
    [scored] = retrieved([10])
    post = MemoryBudgetPostprocessor(budget_tokens=100, token_counter=words)
    twice = [scored, NodeWithScore(node=scored.node, score=0.1)]
    assert len(post.postprocess_nodes(twice, query_str=QUESTION)) == 1


def document_of(parts: int) -> list[NodeWithScore]:
    """A document's parts, as a splitter relates them, retrieved in reverse."""
    nodes = [TextNode(id_=f"part{place}", text=prose(10, place)) for place in range(parts)]
    for place, node in enumerate(nodes):
        node.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id="book")
        if place:
            before = RelatedNodeInfo(node_id=f"part{place - 1}")
            node.relationships[NodeRelationship.PREVIOUS] = before
    return [NodeWithScore(node=node, score=place / 10) for place, node in enumerate(nodes)][::-1]


def test_relations_say_where_a_node_stands() -> None:
    items = items_from_nodes(document_of(4))
    assert {item.source for item in items} == {"book"}
    assert [item.position for item in items] == [3.0, 2.0, 1.0, 0.0]


def test_a_ring_of_relations_has_no_order() -> None:
    [one, two] = retrieved([5, 5])
    one.node.relationships[NodeRelationship.NEXT] = RelatedNodeInfo(node_id="n1")
    two.node.relationships[NodeRelationship.NEXT] = RelatedNodeInfo(node_id="n0")
    assert [item.position for item in items_from_nodes([one, two])] == [None, None]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        pytest.param("chronological", ["part0", "part1", "part2", "part3"], id="document"),
        pytest.param("input", ["part3", "part2", "part1", "part0"], id="as-retrieved"),
    ],
)
def test_order_is_as_asked(order: Any, expected: list[str]) -> None:
    post = MemoryBudgetPostprocessor(budget_tokens=99, token_counter=words, order=order)
    chosen = post.postprocess_nodes(document_of(4), query_str=QUESTION)
    assert [scored.node.node_id for scored in chosen] == expected


def test_best_at_the_ends_puts_the_second_best_last() -> None:
    nodes = retrieved([10, 10, 10, 10])
    by_value = MemoryBudgetPostprocessor(budget_tokens=99, token_counter=words)
    at_ends = MemoryBudgetPostprocessor(budget_tokens=99, token_counter=words, order="ends")
    best = by_value.postprocess_nodes(nodes, query_str=QUESTION)
    ends = at_ends.postprocess_nodes(nodes, query_str=QUESTION)
    assert (ends[0], ends[-1]) == (best[0], best[1])


def test_image_costs_its_estimate_where_the_synthesizer_sends_it() -> None:
    image = NodeWithScore(
        node=ImageNode(id_="image", text="a map", image_url="https://example.org/map.png"),
        score=0.9,
    )
    nodes = [image, *retrieved([10])]
    text_only = MemoryBudgetPostprocessor(budget_tokens=20, token_counter=words)
    assert len(text_only.postprocess_nodes(nodes, query_str=QUESTION)) == 2
    multimodal = MemoryBudgetPostprocessor(
        budget_tokens=120, token_counter=words, multimodal=True, media_tokens=115
    )
    assert len(multimodal.postprocess_nodes(nodes, query_str=QUESTION)) == 1
    multimodal = MemoryBudgetPostprocessor(
        budget_tokens=130, token_counter=words, multimodal=True, media_tokens=115
    )
    assert len(multimodal.postprocess_nodes(nodes, query_str=QUESTION)) == 2


def test_image_without_text_adds_nothing_to_a_text_prompt_and_stays() -> None:
    image = NodeWithScore(node=ImageNode(image_url="https://example.org/map.png"), score=0.9)
    post = MemoryBudgetPostprocessor(budget_tokens=11, token_counter=words)
    nodes = [image, *retrieved([10])]
    assert len(post.postprocess_nodes(nodes, query_str=QUESTION)) == 2


def test_random_cases_are_within_their_budgets() -> None:
    """A part of what `benchmarks.llamaindex_fit` runs; other cases than its own."""
    counter, check = llamaindex_fit.counters()
    tally = llamaindex_fit.Tally()
    for number in range(120):
        case = llamaindex_fit.random_case(random.Random(f"tests/{number}"))
        tally.add(llamaindex_fit.outcome_of(case, counter=counter, check=check))
    assert (tally.cases, tally.over, tally.unfaithful) == (120, 0, 0)
    assert len(tally.use) >= 10
    assert min(tally.use) >= 0.97


WINDOWS = [
    pytest.param(3900, 1, id="3900"),
    pytest.param(1800, 2, id="1800"),
    pytest.param(1200, 3, id="1200"),
    pytest.param(700, 56, id="700"),
]


@pytest.mark.parametrize(("window", "calls_without"), WINDOWS)
def test_a_context_that_fits_its_prompt_takes_one_call(window: int, calls_without: int) -> None:
    nodes = retrieved([44] * 13)
    assert COUNT(context_of(nodes)) == pytest.approx(1300, abs=10)
    llm = ScriptedLLM(context_window=window, num_output=79)
    synthesizer = CompactAndRefine(llm=llm)
    synthesizer.synthesize(QUESTION, nodes)
    assert len(llm.prompts) == calls_without
    llm.prompts.clear()
    post = MemoryBudgetPostprocessor.from_synthesizer(synthesizer)
    kept = post.postprocess_nodes(nodes, query_str=QUESTION)
    synthesizer.synthesize(QUESTION, kept)
    assert len(llm.prompts) == 1
    assert context_of(kept) in (llm.prompts[0][-1].content or "")


def test_one_call_without_naming_the_synthesizer(monkeypatch: pytest.MonkeyPatch) -> None:
    llm = ScriptedLLM(context_window=1200, num_output=79)
    monkeypatch.setattr(Settings, "_llm", llm)
    index = VectorStoreIndex(
        [scored.node for scored in retrieved([28] * 13)], embed_model=LetterEmbedding()
    )
    post = MemoryBudgetPostprocessor(fit="prompt")
    engine = index.as_query_engine(similarity_top_k=13, node_postprocessors=[post])
    response = engine.query(QUESTION)
    assert len(llm.prompts) == 1
    assert 1 < len(response.source_nodes) < 13


def test_room_is_what_the_helper_calculates() -> None:
    llm = ScriptedLLM(context_window=1800, num_output=79)
    room = PromptRoom.of_synthesizer(CompactAndRefine(llm=llm)).for_query("What of the river?")
    assert room.max_tokens == 1128


def test_own_tokenizer_of_the_helper_counts() -> None:
    sizing = PromptHelper(context_window=700, num_output=50, tokenizer=str.split)
    llm = ScriptedLLM()
    synthesizer = CompactAndRefine(llm=llm, prompt_helper=sizing)
    post = MemoryBudgetPostprocessor.from_synthesizer(synthesizer)
    kept = post.postprocess_nodes(retrieved([20] * 20), query_str=QUESTION)
    room = PromptRoom.of_synthesizer(synthesizer).for_query(QUESTION).max_tokens
    assert room - 20 < words(context_of(kept)) <= room
    synthesizer.synthesize(QUESTION, kept)
    assert len(llm.prompts) == 1


def test_prompt_that_leaves_no_room_is_an_error_with_the_numbers() -> None:
    llm = ScriptedLLM(context_window=600, num_output=90)
    post = MemoryBudgetPostprocessor.from_synthesizer(CompactAndRefine(llm=llm))
    with pytest.raises(BudgetError, match="600 tokens, of which the reply takes 90"):
        post.postprocess_nodes(retrieved([10]), query_str=QUESTION)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"token_counter": words}, "token_counter has no effect", id="counter"),
        pytest.param({"ledger": BudgetLedger(budget_tokens=9)}, "the history", id="ledger"),
        pytest.param({"prompt_template": "{context_str}"}, "by itself", id="template"),
    ],
)
def test_what_contradicts_fit_prompt_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        MemoryBudgetPostprocessor(fit="prompt", **arguments)


def test_nodes_that_stay_in_a_session_keep_their_places() -> None:
    nodes = retrieved([10] * 6)
    post = MemoryBudgetPostprocessor(budget_tokens=30, token_counter=words, session_id="kate")
    first = post.postprocess_nodes(nodes, query_str=QUESTION)
    nodes[3].score = 0.99
    second = post.postprocess_nodes(nodes, query_str=QUESTION)
    alone = MemoryBudgetPostprocessor(budget_tokens=30, token_counter=words)
    assert alone.postprocess_nodes(nodes, query_str=QUESTION) != second
    stayed = [scored for scored in first if scored in second]
    assert stayed
    assert second[: len(stayed)] == stayed


def test_a_session_contradicts_other_orders() -> None:
    with pytest.raises(InputError, match='order="ends"'):
        MemoryBudgetPostprocessor(budget_tokens=9, session_id="kate", order="ends")


def test_round_trip_through_a_dict() -> None:
    post = MemoryBudgetPostprocessor(
        budget_tokens=123,
        order="ends",
        separator="\n",
        prompt_template="{context_str}",
        workspace=WorkspaceConfig(workspace_id="legal", min_score=0.1),
        ledger=BudgetLedger(budget_tokens=99),
    )
    again = MemoryBudgetPostprocessor.from_dict(post.to_dict())
    assert again.to_dict() == post.to_dict()
    assert again.workspace == post.workspace
    assert MemoryBudgetPostprocessor.from_json(post.to_json()).to_json() == post.to_json()


def test_workspace_settings_apply() -> None:
    strict = WorkspaceConfig(workspace_id="strict", min_score=0.999)
    post = MemoryBudgetPostprocessor(budget_tokens=99, token_counter=words, workspace=strict)
    assert post.postprocess_nodes(retrieved([10]), query_str=QUESTION) == []


def test_an_argument_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="budget_token\n"):
        MemoryBudgetPostprocessor(budget_token=99)


def test_users_tokenizer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llama_index.core.global_tokenizer", str.split)
    post = MemoryBudgetPostprocessor(budget_tokens=20)
    nodes = retrieved([10, 10, 10])
    assert len(post.postprocess_nodes(nodes, query_str=QUESTION)) == 2
    monkeypatch.setattr("llama_index.core.global_tokenizer", lambda text: list(text))
    assert words(context_of(post.postprocess_nodes(nodes, query_str=QUESTION))) < 10


def test_frameworks_own_tokenizer_is_not_taken_for_the_users(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("llama_index.core.global_tokenizer", None)
    Settings.tokenizer("sets itself")
    nodes = retrieved([40, 40, 40])
    total = COUNT(context_of(nodes))
    post = MemoryBudgetPostprocessor(budget_tokens=total)
    assert len(post.postprocess_nodes(nodes, query_str=QUESTION)) == 3


def test_models_are_asked_once_for_each_text() -> None:
    embedding = LetterEmbedding()
    post = MemoryBudgetPostprocessor(budget_tokens=30, token_counter=words, embed_model=embedding)
    nodes = retrieved([10, 10])
    first = post.postprocess_nodes(nodes, query_str=QUESTION)
    asked = [prose(10, 0), prose(10, 1), f"?{QUESTION}"]
    assert sorted(embedding.asked) == sorted(asked)
    again = asyncio.run(post.apostprocess_nodes(nodes, query_str=QUESTION))
    assert again == first
    assert sorted(embedding.asked) == sorted([*asked, f"?{QUESTION}"])


def test_embeddings_that_nodes_and_query_bring_are_used() -> None:
    nodes = retrieved([10, 10, 10])
    for place, scored in enumerate(nodes):
        scored.node.embedding = [float(place == 2), float(place != 2)]
    post = MemoryBudgetPostprocessor(budget_tokens=10, token_counter=words)
    query = QueryBundle("zzz", embedding=[1.0, 0.0])
    assert post.postprocess_nodes(nodes, query) == [nodes[2]]


def test_scores_are_those_of_the_retriever_on_its_scale() -> None:
    nodes = retrieved([5, 5, 5, 5])
    for scored, score in zip(nodes, (12.0, None, float("nan"), -3.0), strict=True):
        scored.score = score
    items = items_from_nodes(nodes)
    assert [item.retriever_score for item in items] == [12.0, None, None, -3.0]
    assert [item.relevance for item in items] == [None] * 4


@pytest.mark.parametrize("scale", [1.0, 0.001, 1e6, -0.5])
def test_only_the_order_of_the_scores_counts(scale: float) -> None:
    nodes = retrieved([10, 10, 10, 10])
    for place, scored in enumerate(nodes):
        scored.score = 0.8 + place * abs(scale) if scale > 0 else -9.0 + place * abs(scale)
    post = MemoryBudgetPostprocessor(budget_tokens=20, token_counter=words)
    assert post.postprocess_nodes(nodes, query_str="zzz") == [nodes[3], nodes[2]]


def test_embeddings_of_another_length_than_the_querys_are_not_compared() -> None:
    nodes = retrieved([10, 10, 10])
    nodes[0].node.embedding = [1.0, 2.0, 3.0]
    post = MemoryBudgetPostprocessor(budget_tokens=10, token_counter=words)
    assert post.postprocess_nodes(nodes, QueryBundle("zzz", embedding=[1.0, 0.0])) == [nodes[0]]


def test_async_runs_in_the_callers_context() -> None:
    seen: ContextVar[str] = ContextVar("seen", default="nothing")

    class Telling(MemoryBudgetPostprocessor):
        def _choose(self, *arguments: Any) -> list[NodeWithScore]:
            seen.set("set inside")
            return super()._choose(*arguments)

    async def ask() -> str:
        post = Telling(budget_tokens=10, token_counter=words)
        await post.apostprocess_nodes(retrieved([5]), query_str=QUESTION)
        return seen.get()

    assert asyncio.run(ask()) == "set inside"


def test_allocation_is_told_to_instrumentation() -> None:
    with recorded_events() as events:
        post = MemoryBudgetPostprocessor(budget_tokens=20, token_counter=words)
        post.postprocess_nodes(retrieved([10, 10, 10]), query_str=QUESTION)
    [event] = events
    assert (event.used_tokens, event.budget_tokens) == (20, 20)
    assert len(event.selected) == 2
    assert event.omitted == {"outranked": 1}
    assert list(event.left_out.values()) == ["outranked"]
    assert not event.left_out.keys() & set(event.selected)
    assert event.span_id is not None
    assert "_postprocess_nodes" in event.span_id
