"""A RAG chain over several retrievers, with an exact budget for what they find together.

Run it with: python examples/langchain_rag_chain.py

The retrievers share words with the question and the model is scripted, so no key is needed.
"""

from __future__ import annotations

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnablePassthrough

from mba_integrations import MemoryTier, counter_for_model
from mba_integrations.langchain import BudgetedRetriever, RetrieverSource

QUESTION = "Why is the orders page slow, and would an index help?"
BUDGET = 60
TEXTS = {
    (MemoryTier.PROJECT, 0.25): [
        "The orders table has two million rows and no index on customer_id.",
        "The brand colours are teal and sand, and the logo is a fox.",
    ],
    (MemoryTier.LONG_TERM, 0.25): [
        "Ticket 311: the orders page takes six seconds. EXPLAIN shows a sequential scan.",
        "Ticket 305: the export of orders fails for names with umlauts.",
    ],
    (MemoryTier.RAG, 0.5): [
        "An index lets PostgreSQL find the rows of a customer without reading the whole table.",
        "A CSS grid places its children in rows and columns, by name or number.",
    ],
}


class WordRetriever(BaseRetriever):
    """Finds texts by the words that they share with the query; stands for any retriever."""

    texts: list[str]

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        asked = set(query.lower().split())
        return [Document(one) for one in self.texts if asked & set(one.lower().split())]


def joined(documents: list[Document]) -> str:
    """The documents as the prompt has them; the budget counts them like this."""
    return "\n\n".join(document.page_content for document in documents)


def main() -> None:
    """Ask the chain; the whole prompt is known before the model is called."""
    sources = [
        RetrieverSource(WordRetriever(texts=texts), tier=tier, share=share)
        for (tier, share), texts in TEXTS.items()
    ]
    context = BudgetedRetriever(retrievers=sources, budget_tokens=BUDGET) | joined
    prompt = ChatPromptTemplate([("system", "{context}"), ("human", "{question}")])
    model = FakeListChatModel(responses=["There is no index on customer_id; one would help."])
    prompted = ({"context": context, "question": RunnablePassthrough()} | prompt).invoke(QUESTION)
    answer = (model | StrOutputParser()).invoke(prompted)
    system = str(prompted.to_messages()[0].text)
    tokens = counter_for_model("gpt-4o").count(system)
    print(f"{system}\n\n{tokens} of {BUDGET} tokens of context.\n{QUESTION}\n{answer}")
    assert tokens <= BUDGET
    assert "no index" in system
    assert "fox" not in system


if __name__ == "__main__":
    main()
