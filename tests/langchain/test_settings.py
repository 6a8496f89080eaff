"""Attributes of the adapters' classes: what is set counts, or is refused; copies and pickles."""

from __future__ import annotations

import atexit
import copy
import inspect
import pickle
import tempfile
from collections.abc import Callable
from dataclasses import FrozenInstanceError, is_dataclass
from functools import cache
from typing import Any

import pytest
from langchain_agents import sent_by, talk, words
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.cross_encoders import BaseCrossEncoder
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.retrievers import BaseRetriever
from pydantic import BaseModel

import mba_integrations.langchain as adapters
from mba_integrations import InputError, MemoryBudgetAllocator, WorkspaceConfig
from mba_integrations.langchain import (
    BudgetedChatMessageHistory,
    BudgetedDocumentCompressor,
    BudgetedMemory,
    BudgetedRetriever,
    CandidateIndex,
    EmbeddingsEmbedder,
    LangChainReranker,
    LangGraphStoreSource,
    MemoryBudgetMiddleware,
    MemoryFeedbackHandler,
    MemoryPromotionMiddleware,
    MemoryServiceRetriever,
    MemoryServiceSource,
    MemoryServiceStore,
    MessageCounter,
    RetrieverSource,
)
from mba_integrations.langchain.history.chat_history import ListChatMessageHistory
from mba_integrations.services import MemoryFilter, MemoryService
from mba_integrations.testing import WordCounter

OAKS = [f"oak number {n}" for n in range(9)]


class Fixed(BaseRetriever):
    """Finds the same for every query."""

    texts: list[str] = OAKS

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [Document(text) for text in self.texts]


class Lengths(BaseCrossEncoder):
    """Prefers short texts."""

    def score(self, text_pairs: Any) -> list[float]:
        return [-float(len(text)) for _, text in text_pairs]


class Letters(Embeddings):
    """A number for a text: its length."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[float(len(text)), 1.0] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def dear(text: str) -> int:
    return 30 * words(text)


def strict_workspace() -> WorkspaceConfig:
    """Settings under whose ceiling three documents fit."""
    return WorkspaceConfig(
        workspace_id="strict",
        max_total_tokens=12,
        working_memory_pct=0.0,
        project_memory_pct=0.0,
        long_term_memory_pct=0.0,
        rag_memory_pct=1.0,
        passage_min_tokens=None,
    )


def filled() -> BudgetedMemory:
    memory = BudgetedMemory(budget_tokens=1_000, token_counter=words)
    for number in range(9):
        memory.save_context({"input": f"question {number}"}, {"output": f"answer {number}"})
    return memory


def other_history() -> ListChatMessageHistory:
    history = ListChatMessageHistory()
    history.add_messages([HumanMessage("the only one"), AIMessage("yes")])
    return history


@cache
def service() -> MemoryService:
    """A service whose workspaces are asked, and seldom written to."""
    folder = tempfile.TemporaryDirectory()
    opened = MemoryService.open(
        f"{folder.name}/memory.db", token_counter=WordCounter(), background=False
    )
    atexit.register(folder.cleanup)
    atexit.register(opened.close)
    for name in ("kate", "tom"):
        opened.create_workspace(name, max_total_tokens=40)
        opened.remember(name, [f"{name}'s {text}" for text in OAKS])
    opened.remember("kate", "oak of Kate", subject="kate", tier="rag")
    return opened


class OfTom:
    """A service that answers from another workspace than it is asked about."""

    def recall(self, _: str, *given: Any, **named: Any) -> Any:
        return service().recall("tom", *given, **named)

    def note_used(self, *given: Any, **named: Any) -> None:
        return None


MADE: dict[type, Callable[[], Any]] = {
    BudgetedChatMessageHistory: lambda: BudgetedChatMessageHistory(60, token_counter=words),
    BudgetedMemory: filled,
    BudgetedDocumentCompressor: lambda: BudgetedDocumentCompressor(token_counter=words),
    BudgetedRetriever: lambda: BudgetedRetriever(retrievers=[Fixed()], token_counter=words),
    CandidateIndex: lambda: CandidateIndex(Fixed()),
    EmbeddingsEmbedder: lambda: EmbeddingsEmbedder(Letters()),
    LangChainReranker: lambda: LangChainReranker(Lengths()),
    LangGraphStoreSource: lambda: LangGraphStoreSource(("m",)),
    MemoryBudgetMiddleware: lambda: MemoryBudgetMiddleware(60, token_counter=words),
    MemoryFeedbackHandler: lambda: MemoryFeedbackHandler(service()),
    MemoryPromotionMiddleware: lambda: MemoryPromotionMiddleware(LangGraphStoreSource(("m",))),
    MemoryServiceRetriever: lambda: MemoryServiceRetriever(service=service(), workspace_id="kate"),
    MemoryServiceSource: lambda: MemoryServiceSource(service(), "kate"),
    MemoryServiceStore: lambda: MemoryServiceStore(service(), "kate"),
    MessageCounter: lambda: MessageCounter(words),
    RetrieverSource: lambda: RetrieverSource(Fixed()),
}
RESULTS: dict[type, Callable[[Any], Any]] = {
    BudgetedMemory: lambda one: one.load_memory_variables({one.input_key or "input": "question 3"}),
    BudgetedDocumentCompressor: lambda one: [
        found.metadata["memory_budget"]
        for found in one.compress_documents([Document(text) for text in OAKS], "oak")
    ],
    BudgetedRetriever: lambda one: [found.metadata["memory_budget"] for found in one.invoke("oak")],
    MemoryServiceRetriever: lambda one: [found.page_content for found in one.invoke("oak")],
}
"""What a class that follows its fields gives."""
FOLLOWED: dict[type, dict[str, Any]] = {
    BudgetedMemory: {
        "budget_tokens": 20,
        "chat_memory": other_history(),
        "memory_key": "talk",
        "return_messages": True,
        "human_prefix": "Kate",
        "ai_prefix": "Model",
        "token_counter": dear,
        "recent_share": 0.1,
        "input_key": "asked",
        "output_key": "said",
    },
    BudgetedDocumentCompressor: {
        "budget_tokens": 12,
        "k": 2,
        "tier": "project",
        "workspace": strict_workspace(),
        "allocator": MemoryBudgetAllocator(dear),
        "separator": " x" * 30 + " ",
        "token_counter": dear,
    },
    BudgetedRetriever: {
        "retrievers": [Fixed(texts=["elm"])],
        "budget_tokens": 12,
        "k": 2,
        "workspace": strict_workspace(),
        "allocator": MemoryBudgetAllocator(dear),
        "separator": " x" * 30 + " ",
        "token_counter": dear,
    },
    MemoryServiceRetriever: {
        "service": OfTom(),
        "workspace_id": "tom",
        "budget_tokens": 12,
        "k": 2,
        "subject": "kate",
        "filters": MemoryFilter(contains="number 7"),
        "session_id": "chat-7",
        "separator": " x" * 30 + " ",
    },
}
"""Another value for each field."""
_QUIET = {"input_key", "output_key", "recent_share", "session_id"}
"""Fields that show only together with others; see the tests of the memory."""


def attributes(kind: type) -> list[str]:
    """What the constructor takes, and fields that the framework's base class does not have."""
    if issubclass(kind, BaseModel):
        inherited = {name for base in kind.__bases__ for name in getattr(base, "model_fields", ())}
        return [name for name in kind.model_fields if name not in inherited]
    return list(inspect.signature(kind).parameters)


ON_A_SERVICE = [MemoryServiceRetriever, MemoryServiceSource, MemoryServiceStore]
"""They hold what is open, which no copy or pickle takes along."""


SHARED = [MemoryFeedbackHandler]
"""LangChain has its handlers be their own copies: a copied chain reports to the same one."""


def test_the_table_has_every_class() -> None:
    public = {getattr(adapters, name) for name in adapters.__all__} - {adapters.MemorySource}
    assert {one for one in public if isinstance(one, type)} == set(MADE)


@pytest.mark.parametrize("kind", FOLLOWED)
def test_the_table_has_every_field(kind: type) -> None:
    assert set(FOLLOWED[kind]) == set(attributes(kind))


@pytest.mark.parametrize("way", ["set", "copied"])
@pytest.mark.parametrize(
    ("kind", "field"),
    [
        pytest.param(kind, field, id=f"{kind.__name__}-{field}")
        for kind, fields in FOLLOWED.items()
        for field in fields
        if field not in _QUIET
    ],
)
def test_a_field_that_is_set_counts_from_the_next_call_on(kind: type, field: str, way: str) -> None:
    one, value, result = MADE[kind](), FOLLOWED[kind][field], RESULTS[kind]
    before = result(one)
    if way == "set":
        setattr(one, field, value)
        now = one
    else:
        now = one.model_copy(update={field: value})
        assert result(one) == before
    fresh = MADE[kind]()
    setattr(fresh, field, value)
    assert result(now) != before
    assert result(now) == result(fresh)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param(kind, name, id=f"{kind.__name__}-{name}")
        for kind in MADE
        if not issubclass(kind, BaseModel)
        for name in attributes(kind)
        if (kind, name) != (BudgetedChatMessageHistory, "history")
    ],
)
def test_any_other_attribute_can_be_read_and_is_not_set(kind: type, name: str) -> None:
    one = MADE[kind]()
    before = getattr(one, name)
    with pytest.raises((InputError, FrozenInstanceError), match=name) as refused:
        setattr(one, name, 5)
    assert getattr(one, name) is before
    if not is_dataclass(kind):
        assert str(refused.value) == (
            f"{name} of a {kind.__name__} cannot be changed. "
            f"Make another {kind.__name__} with the new value."
        )


def test_another_history_is_read() -> None:
    one = BudgetedChatMessageHistory(60, token_counter=words)
    one.history = other_history()
    assert [message.content for message in one.messages] == ["the only one", "yes"]


def test_attributes_are_what_was_given() -> None:
    source = LangGraphStoreSource(("m",))
    allocator = MemoryBudgetAllocator(words)
    one = MemoryBudgetMiddleware(
        60, memories=[source], allocator=allocator, token_counter=words, recent_share=1, name="mine"
    )
    assert (one.budget_tokens, one.memories, one.recent_share, one.name) == (
        60,
        (source,),
        1.0,
        "mine",
    )
    assert one.allocator is allocator
    assert one.workspace.workspace_id == "agent"


def test_a_list_of_sources_that_is_changed_afterwards_makes_no_difference() -> None:
    sources: list[Any] = [Fixed(texts=["Kate lives in Oslo."])]
    one = MemoryBudgetMiddleware(60, memories=sources, token_counter=words)
    sources.clear()
    assert "Oslo" in str(sent_by(one, talk("h0 where does Kate live")))


WAYS: dict[str, Callable[[Any], Any]] = {
    "deep": copy.deepcopy,
    "pickled": lambda one: pickle.loads(pickle.dumps(one)),
}


def shown(one: Any) -> Any:
    """What a copy must share with its original."""
    if isinstance(one, MessageCounter):
        return one.id, one.count("to be or not")
    if isinstance(one, EmbeddingsEmbedder):
        return one.batch_size, one(["a", "bb"]).tolist()
    if isinstance(one, LangChainReranker):
        return one("oak", ["a", "bb"])
    if isinstance(one, BudgetedChatMessageHistory):
        return one.budget_tokens, one.messages
    if isinstance(one, MemoryPromotionMiddleware):
        return one.source, one.settings, one.name
    if isinstance(one, RetrieverSource):
        return one.tier, one.share, one.retriever.invoke("oak")
    return RESULTS[type(one)](one) if type(one) in RESULTS else one


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("used", [False, True], ids=["fresh", "used"])
@pytest.mark.parametrize(
    "kind",
    [kind for kind in MADE if kind not in (MemoryBudgetMiddleware, *SHARED, *ON_A_SERVICE)],
)
def test_configuration_can_be_copied_and_pickled(kind: type, used: bool, way: str) -> None:
    one = MADE[kind]()
    if isinstance(one, BudgetedChatMessageHistory):
        one.add_messages(talk("h0 hello", "a0 hi", "h1 yes", "a1 no"))
    if used:
        shown(one)
    other = WAYS[way](one)
    assert other is not one
    assert shown(other) == shown(one)


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_of_a_memory_goes_its_own_way(way: str) -> None:
    one = filled()
    other = WAYS[way](one)
    other.save_context({"input": "and"}, {"output": "more"})
    assert len(other.chat_memory.messages) == len(one.chat_memory.messages) + 2


@pytest.mark.parametrize("way", WAYS)
def test_an_agents_middleware_says_why_it_is_not_copied(way: str) -> None:
    with pytest.raises(InputError, match="holds open conversations, so it cannot be copied"):
        WAYS[way](MADE[MemoryBudgetMiddleware]())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ON_A_SERVICE)
def test_what_stands_on_a_service_says_why_it_is_not_copied(kind: type, way: str) -> None:
    with pytest.raises(InputError, match="this MemoryService cannot be pickled or copied"):
        WAYS[way](MADE[kind]())


@pytest.mark.parametrize("kind", SHARED)
def test_a_handler_is_its_own_copy_and_is_not_pickled(kind: type) -> None:
    one = MADE[kind]()
    assert copy.deepcopy(one) is one
    with pytest.raises(InputError, match="this MemoryService cannot be pickled or copied"):
        pickle.dumps(one)
