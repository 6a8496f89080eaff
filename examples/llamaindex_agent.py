"""A LlamaIndex agent with long tool results, none of whose calls exceeds its budget.

Run it with: python examples/llamaindex_agent.py

An agent sends its whole scratchpad with every call: memory alone cannot bound it. Here the model
stands behind a budget. It is scripted, so neither a key nor a network is needed.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Sequence
from typing import Any

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole, ToolCallBlock
from llama_index.core.llms import MockFunctionCallingLLM
from pydantic.warnings import PydanticDeprecationWarning

from mba_integrations import counter_for_model
from mba_integrations.llamaindex import BudgetedFunctionCallingLLM, BudgetedMemory, MessageTokens

BUDGET_TOKENS = 2000
FILES = ("orders.sql", "customers.sql", "parcels.sql")
Prompts = list[list[ChatMessage]]


def read_file(name: str) -> str:
    """Read a file of the project."""
    rows = (f"INSERT INTO {name.split('.')[0]} VALUES ({n}, 'row {n}');" for n in range(130))
    return "\n".join(rows)


def scripted_llm(prompts: Prompts) -> MockFunctionCallingLLM:
    """A model that reads one file after the other and then answers."""

    def reply(messages: Sequence[ChatMessage], **kwargs: Any) -> ChatMessage:
        prompts.append(list(messages))
        step = len(prompts) - 1
        if step >= len(FILES):
            return ChatMessage(role=MessageRole.ASSISTANT, content="I have read all three.")
        call = ToolCallBlock(
            tool_call_id=f"call{step}", tool_name="read_file", tool_kwargs={"name": FILES[step]}
        )
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=[call])

    return MockFunctionCallingLLM(response_generator=reply, is_chat_model=True)


async def ask(prompts: Prompts, memory: BudgetedMemory) -> str:
    """Run an agent whose model stands behind a budget."""
    llm = BudgetedFunctionCallingLLM(scripted_llm(prompts), budget_tokens=BUDGET_TOKENS)
    agent = FunctionAgent(llm=llm, tools=[read_file], system_prompt="Read, then answer.")
    return str(await agent.run(user_msg="Read the three files.", memory=memory))


def main() -> None:
    """Read three files of which two would not fit together."""
    prompts: Prompts = []
    memory = BudgetedMemory.from_defaults(BUDGET_TOKENS)
    with warnings.catch_warnings():
        # The agent finds its steps by reading every attribute, pydantic's deprecated ones too.
        warnings.simplefilter("ignore", PydanticDeprecationWarning)
        answer = asyncio.run(ask(prompts, memory))
    tokens = MessageTokens(counter_for_model("gpt-4o"))
    for number, prompt in enumerate(prompts):
        roles = " ".join(message.role.value for message in prompt)
        print(f"call {number}: {tokens.of_list(prompt):,} tokens, {roles}")
        assert tokens.of_list(prompt) <= BUDGET_TOKENS
    everything = tokens.of_list(memory.get_all())
    print(f"stored: {len(memory.get_all())} messages of {everything:,} tokens; answer: {answer}")
    assert everything > 2 * BUDGET_TOKENS


if __name__ == "__main__":
    main()
