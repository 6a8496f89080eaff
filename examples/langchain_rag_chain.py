"""A RAG chain over several retrievers, with an exact budget for what they find together.

Run it with: python examples/langchain_rag_chain.py

Retrievers and model are made up, so no key is needed. Each part asserts what it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompt_values import PromptValue
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough

from mba_integrations import counter_for_model
from mba_integrations.langchain import BudgetedRetriever, RetrieverSource

QUESTION = "Why is the orders page slow, and would an index help?"
HANDBOOK = [
    "The orders table has two million rows and no index on customer_id.",
    "The brand colours are teal and sand, and the logo is a fox.",
    "Deployments happen on Tuesdays, after the stand-up meeting.",
]
TICKETS = [
    "Ticket 311: the orders page takes six seconds. EXPLAIN shows a sequential scan.",
    "Ticket 298: the logo is blurred on large screens.",
    "Ticket 305: the export of orders fails for names with umlauts.",
]
MANUAL = [
    "An index lets PostgreSQL find the rows of a customer without reading the whole table.",
    "A CSS grid places its children in rows and columns, by name or number.",
    "A sequential scan reads every row of a table; on large tables it is slow.",
]
count = counter_for_model("gpt-4o").count


class WordRetriever(BaseRetriever):
    """Finds texts by the words that they share with the query; stands for any retriever."""

    name_of_source: str
    texts: list[str]

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        asked = set(query.lower().split())
        ranked = sorted(self.texts, key=lambda text: -len(asked & set(text.lower().split())))
        return [Document(text, metadata={"source": self.name_of_source}) for text in ranked]


def retriever(budget_tokens: int) -> BudgetedRetriever:
    """A quarter for the handbook, the same for tickets, half for the manual."""
    return BudgetedRetriever(
        retrievers=[
            RetrieverSource(_words("handbook", HANDBOOK), tier="project", share=0.25),
            RetrieverSource(_words("tickets", TICKETS), tier="long_term", share=0.25),
            RetrieverSource(_words("manual", MANUAL), tier="rag", share=0.5),
        ],
        budget_tokens=budget_tokens,
    )


def _words(name: str, texts: list[str]) -> WordRetriever:
    return WordRetriever(name_of_source=name, texts=texts)


def joined(documents: list[Document]) -> str:
    """The documents as the prompt has them; the budget counts them like this."""
    return "\n\n".join(document.page_content for document in documents)


def demonstrate_budgets() -> None:
    """The same question with less and less room."""
    print("=== Budgets ===\n")
    for budget in (160, 80, 40, 20):
        found = retriever(budget).invoke(QUESTION)
        tokens = count(joined(found))
        print(f"{budget:4} tokens: {tokens} used")
        for document in found:
            decision = document.metadata["memory_budget"]
            print(f"      {decision['score']:.2f}  {document.page_content}")
        assert tokens <= budget
    assert "no index" not in joined(retriever(20).invoke(QUESTION))
    assert "Ticket 311" in joined(retriever(20).invoke(QUESTION))


def demonstrate_chain() -> None:
    """A chain whose whole prompt is known before the model is called."""
    print("\n=== Chain ===\n")
    seen: list[Sequence[BaseMessage]] = []

    def watch(value: PromptValue) -> PromptValue:
        seen.append(value.to_messages())
        return value

    prompt = ChatPromptTemplate(
        [("system", "Answer from this context:\n{context}"), ("human", "{question}")]
    )
    model = FakeListChatModel(responses=["There is no index on customer_id; one would help."])
    chain: Runnable[str, str] = (
        {"context": retriever(80) | joined, "question": RunnablePassthrough()}
        | prompt
        | RunnableLambda(watch)
        | model
        | StrOutputParser()
    )
    print(f"{chain.invoke(QUESTION)}\n")
    (messages,) = seen
    print(messages[0].text)
    context = str(messages[0].text).removeprefix("Answer from this context:\n")
    assert count(context) <= 80
    assert "fox" not in context


def demonstrate_budget_of_a_call() -> None:
    """The budget of one call, and one that the configuration of a run sets."""
    from langchain_core.runnables import ConfigurableField

    print("\n=== Budget of a call ===\n")
    made = retriever(160)
    print(f"{len(made.invoke(QUESTION, budget_tokens=20))} document in 20 tokens")
    configurable = made.configurable_fields(budget_tokens=ConfigurableField(id="context_tokens"))
    config: Any = {"configurable": {"context_tokens": 40}}
    found = configurable.invoke(QUESTION, config)
    print(f"{len(found)} documents in 40 tokens")
    assert count(joined(found)) <= 40


def main() -> None:
    """Show everything, in order."""
    demonstrate_budgets()
    demonstrate_chain()
    demonstrate_budget_of_a_call()


if __name__ == "__main__":
    main()
