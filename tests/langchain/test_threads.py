"""What a middleware remembers of threads: many at once, forgotten ones, embeddings."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_agents import COUNTER, agent_of, ids, sent_by, talk, thread, tool_round, words
from langchain_core.embeddings import Embeddings
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage

from mba_integrations.langchain import MemoryBudgetMiddleware
from mba_integrations.langchain.agents.threads import AgentThreads, new_thread


def middleware(budget: int, **options: Any) -> MemoryBudgetMiddleware:
    return MemoryBudgetMiddleware(budget, token_counter=words, **options)


def long_talk(topic: str) -> list[AnyMessage]:
    turns = [m for n in range(30) for m in talk(f"h{n} {topic} {n}", f"a{n} reply {n % 3}")]
    return [*turns, *talk(f"last {topic} 7")]


def test_many_threads_at_once_get_what_each_gets_alone() -> None:
    topics = [f"topic{n}" for n in range(12)]
    alone = {topic: sent_by(middleware(90), long_talk(topic)) for topic in topics}
    shared = middleware(90)
    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(lambda topic: sent_by(shared, long_talk(topic)), topics * 4))
    assert sent == [alone[topic] for topic in topics * 4]


def test_one_thread_used_from_many_threads_sends_the_same() -> None:
    shared, messages = middleware(90), long_talk("oslo")
    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(lambda end: (end, sent_by(shared, messages[:end])), [61, 31] * 10))
    assert all(one == sent_by(middleware(90), messages[:end]) for end, one in sent)


def test_many_runs_of_an_agent_in_one_event_loop() -> None:
    replies = ["fine"] * 20
    agent, model = agent_of([middleware(40)], replies)

    async def run() -> None:
        calls = (agent.ainvoke({"messages": talk(f"h{n} a b")}, thread(str(n))) for n in range(20))
        await asyncio.gather(*calls)

    asyncio.run(run())
    assert sorted(ids(received)[0] or "" for received in model.received) == sorted(
        f"h{n}" for n in range(20)
    )


def test_forgotten_threads_make_no_difference() -> None:
    threads = AgentThreads(capacity=2)
    made = [threads.get(n, lambda: new_thread(COUNTER, "s")) for n in (1, 2, 1, 3)]
    assert made[0] is made[2]
    assert len(threads) == 2
    assert threads.get(1, lambda: new_thread(COUNTER, "s")) is made[0]
    assert threads.get(2, lambda: new_thread(COUNTER, "s")) is not made[1]


PARTS = st.lists(
    st.sampled_from(["human", "ai", "round", "half", "lost", "system"]), min_size=1, max_size=14
)


def conversation_of(parts: list[str]) -> list[AnyMessage]:
    messages: list[AnyMessage] = []
    for number, part in enumerate(parts):
        if part == "human":
            messages.append(HumanMessage(f"oslo {number}", id=f"m{number}"))
        elif part == "ai":
            messages.append(AIMessage(f"tram {number}", id=f"m{number}"))
        else:
            whole = tool_round(f"m{number}", "word " * 40, "x")
            messages += {"round": whole, "half": whole[:2], "lost": whole[1:]}.get(part, [])
    return messages


@given(PARTS, PARTS, st.integers(1, 200))
def test_what_was_seen_before_makes_no_difference(
    before: list[str], now: list[str], budget: int
) -> None:
    used = middleware(budget)
    for parts in (before, now[: len(now) // 2], now):
        seen = _sent_or_refused(used, conversation_of(parts))
    assert seen == _sent_or_refused(middleware(budget), conversation_of(now))


def _sent_or_refused(used: MemoryBudgetMiddleware, messages: list[AnyMessage]) -> Any:
    try:
        return sent_by(used, messages)
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize(
    ("rounds", "words_each"), [pytest.param(6, 24, id="long"), pytest.param(2, 2, id="short")]
)
def test_an_exchange_that_is_over_is_chosen_from_as_if_it_were_seen_for_the_first_time(
    rounds: int, words_each: int
) -> None:
    results = [f"tram {n} " * (words_each // 2) for n in range(rounds)]
    one = [
        *talk("h0 oslo"),
        *(m for n, result in enumerate(results) for m in tool_round(f"r{n}", result)),
        AIMessage("done with it", id="a0"),
    ]
    messages = [*one, *talk("h1 tram 1", "a1 tram", "h2 tram 1")]
    for budget in range(20, 200, 12):
        used = middleware(budget)
        for end in (*range(2, len(one) + 1), len(one) + 1, len(messages)):
            seen = _sent_or_refused(used, messages[:end])
            assert seen == _sent_or_refused(middleware(budget), messages[:end])


class TopicEmbeddings(Embeddings):
    """One number for each of two topics, which texts have no word in common for."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        animals, trains = ("cat", "kitten", "feline"), ("train", "locomotive", "railway")
        return [
            [float(any(word in text for word in topic)) for topic in (animals, trains)]
            for text in texts
        ]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


@pytest.mark.parametrize("way", ["sync", "async"])
def test_embeddings_choose_messages_that_share_no_word_with_the_question(way: str) -> None:
    made = middleware(24, embedder=TopicEmbeddings(), recent_share=0.0)
    agent, model = agent_of([made], ["ok"] * 4)
    for asked in ("h0 my kitten", "h1 my locomotive", "h2 my garden", "h3 feline"):
        given_messages = {"messages": talk(asked)}
        if way == "sync":
            agent.invoke(given_messages, thread("t"))
        else:
            asyncio.run(agent.ainvoke(given_messages, thread("t")))
    sent: list[BaseMessage] = model.received[-1]
    assert [message.content for message in sent] == ["h0 my kitten", "ok", "h3 feline"]
