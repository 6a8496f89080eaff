"""Check an installed wheel beside the lowest versions of what it requires: every part works.

Run outside of the checkout with the path of the `mba` command as argument. Of the extras, `ray`
alone is not here.
"""

import json
import pkgutil
import subprocess
import sys
import urllib.request
from importlib import import_module
from pathlib import Path

import mba_integrations
from mba_integrations import MemoryBudgetAllocator, MemoryItem, counter_for_model

FACTS = ("Kate likes skiing.", "The weather is fine today.", "Kate's desk is white.")
QUERY = "What does Kate like?"
BUDGET_TOKENS = 8  # room for one of the facts


def check_imports() -> None:
    """Every module finds the names that it takes from others."""
    for found in pkgutil.walk_packages(mba_integrations.__path__, "mba_integrations."):
        if "ray" not in found.name.rpartition(".")[2].split("_"):
            import_module(found.name)


def check_core() -> None:
    items = [MemoryItem(str(n), text, "rag") for n, text in enumerate(FACTS)]
    allocator = MemoryBudgetAllocator()
    allocation = allocator.allocate_memory_budget(QUERY, items, budget_tokens=BUDGET_TOKENS)
    assert [one.id for one in allocation.selected] == ["0"], allocation.explain()


def check_langchain() -> None:
    from langchain.agents import create_agent
    from langchain_core.documents import Document
    from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage

    from mba_integrations.langchain import BudgetedDocumentCompressor, MemoryBudgetMiddleware

    compressor = BudgetedDocumentCompressor(budget_tokens=BUDGET_TOKENS)
    kept = compressor.compress_documents([Document(text) for text in FACTS], QUERY)
    assert [one.page_content for one in kept] == [FACTS[0]], kept
    agent = create_agent(
        GenericFakeChatModel(messages=iter([AIMessage("Skiing.")])),
        middleware=[MemoryBudgetMiddleware(budget_tokens=500)],
    )
    state = agent.invoke({"messages": [{"role": "user", "content": QUERY}]})
    assert state["messages"][-1].text == "Skiing.", state


def check_llamaindex() -> None:
    from llama_index.core.chat_engine import SimpleChatEngine
    from llama_index.core.llms import MockLLM
    from llama_index.core.schema import NodeWithScore, TextNode

    from mba_integrations.llamaindex import BudgetedMemory, MemoryBudgetPostprocessor

    nodes = [NodeWithScore(node=TextNode(text=text), score=0.5) for text in FACTS]
    kept = MemoryBudgetPostprocessor(budget_tokens=BUDGET_TOKENS).postprocess_nodes(
        nodes, query_str=QUERY
    )
    assert [one.text for one in kept] == [FACTS[0]], kept
    memory = BudgetedMemory.from_defaults(500)
    SimpleChatEngine.from_defaults(llm=MockLLM(), memory=memory).chat(QUERY)
    assert len(memory.get_all()) == 2, memory.get_all()


def check_service() -> None:
    from mba_integrations.services import MemoryService

    with MemoryService.open(Path("memory.db")) as service:
        service.create_workspace("kate")
        service.remember("kate", FACTS)
        reply = service.recall("kate", QUERY, budget_tokens=30)
    assert FACTS[0] in reply.prompt_text, reply.prompt_text
    assert counter_for_model("gpt-4o").count(reply.prompt_text) == reply.used_tokens <= 30


def check_command(mba: str) -> None:
    done = subprocess.run([mba, "--help"], capture_output=True, text=True, check=True)
    assert "allocate" in done.stdout, done.stdout


def check_server(mba: str) -> None:
    """A server on what the service remembered answers at the address that it prints."""
    command = [mba, "serve", "--db", "memory.db", "--port", "0", "--idle-exit", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        words = server.stdout.readline().split()
        (url,) = (word for word in words if word.endswith("/v1/workspaces/kate/recall"))
        body = json.dumps({"query": QUERY, "budget_tokens": 30}).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            assert FACTS[0] in json.load(reply)["prompt_text"]
        server.terminate()


if __name__ == "__main__":
    command = str(Path(sys.argv[1]).absolute())
    check_imports()
    check_core()
    check_langchain()
    check_llamaindex()
    check_service()
    check_command(command)
    check_server(command)
    print("the wheel works beside the lowest versions")
