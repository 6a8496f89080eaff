"""LangChain's and LlamaIndex' clients through the gateway: is every field what a direct call gives?

    ENVIRONMENT/bin/python -m benchmarks.gateway_clients --mba mba

For an environment with `langchain-openai`, `langchain-anthropic`, `llama-index-llms-openai`,
`llama-index-llms-anthropic` and `anthropic<1`, since LlamaIndex' client for Anthropic fails at its
first call with later ones; `--mba` is the command of an environment that has this project. It
compares as `benchmarks.gateway_sdks` does: what each client gives back, part by part, and what
arrived at the provider.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.metadata
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from benchmarks.gateway_sdks import PERSON, PIXEL, SCHEMA, Case, compared
from benchmarks.gateway_servers import free_port, gateway, provider

Made = dict[str, tuple[Any, dict[str, Case]]]
"""What is asked through each of a package's clients, by the client's name."""
GPT, CLAUDE = "gpt-4o-mini", "claude-sonnet-4-5"
PERSON_SCHEMA = {"title": "person", "description": "A person.", **PERSON}
WEATHER_SCHEMA = {"title": "weather", "description": "The weather.", **SCHEMA}
THINKING = {"type": "enabled", "budget_tokens": 1_024}
_RUN = {"run_id": UUID(int=1)}
"""LangChain names messages after runs, which are numbered at random."""
_CACHED = {"type": "text", "text": "Be short.", "cache_control": {"type": "ephemeral"}}
_PICTURE = {"type": "image", "base64": PIXEL, "mime_type": "image/png"}
_ANSWERED = {"tool_call_id": "call_1"}
_ROUND = [
    ("user", "Where is it warm?"),
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "call_0", "name": "weather", "args": {"city": "Faro"}}],
    },
    {"role": "tool", "tool_call_id": "call_0", "content": "24 degrees"},
]


class Person(BaseModel):
    """A person."""

    name: str
    age: int


def weather(city: str) -> str:
    """The weather of a city."""
    return city


def plain(value: Any) -> Any:
    """What a client gave back, in lists and dicts, without names that are made at random."""
    if isinstance(value, BaseModel):
        return [type(value).__name__, plain(value.model_dump())]
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", value) if isinstance(value, str) else value


def _asked(model: Any, *, asked: Any = "Hi", **bound: Any) -> Any:
    return model.bind(**bound).invoke(asked, config=_RUN)


def _streamed(model: Any, *, asked: Any = "Hi", **bound: Any) -> Any:
    return list(model.bind(**bound).stream(asked, config=_RUN))


def _structured(schema: Any, **how: Any) -> Case:
    return lambda model: model.with_structured_output(schema, include_raw=True, **how).invoke("Hi")


async def _both_of_langchain(model: Any) -> Any:
    parts = [part async for part in model.astream("Hi", config=_RUN)]
    return [await model.ainvoke("Hi", config=_RUN), parts]


def _content(*blocks: Any) -> Any:
    return [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, *blocks]}]


def _system(block: Any) -> Any:
    return [{"role": "system", "content": [block]}, ("user", "Hi")]


def _every_langchain_case() -> dict[str, Case]:
    return {
        "invoke": _asked,
        "stream": _streamed,
        "tools": lambda m: m.bind_tools([weather]).invoke("Hi", config=_RUN),
        "tools, streamed": lambda m: list(m.bind_tools([weather]).stream("Hi", config=_RUN)),
        "round of tool calls": partial(_asked, asked=_ROUND),
        "structured": _structured(PERSON_SCHEMA, method="json_schema"),
        "structured, as a call": _structured(WEATHER_SCHEMA, method="function_calling"),
        "image": partial(_asked, asked=_content(_PICTURE)),
        "batch": lambda m: [m.batch(["Hi", "Ho"], config={"max_concurrency": 1})],
        "asynchronous": lambda m: asyncio.run(_both_of_langchain(m)),
    }


def _langchain_openai(key: str, base_url: str) -> Made:
    from langchain_openai import ChatOpenAI

    made = partial(ChatOpenAI, model=GPT, api_key=key, base_url=base_url)
    cases = _every_langchain_case()
    counted = {"stream with usage": partial(_streamed, stream_options={"include_usage": True})}
    reasoned = {
        "reasoning": partial(_asked, reasoning={"effort": "low"}),
        "reasoning, streamed": partial(_streamed, reasoning={"effort": "low"}),
        "kept by the provider": partial(_asked, previous_response_id="resp_0"),
    }
    responses = made(use_responses_api=True, output_version="responses/v1")
    return {
        "chat": (made(), cases | counted),
        "responses": (responses, cases | reasoned),
    }


def _langchain_anthropic(key: str, base_url: str) -> Made:
    from langchain_anthropic import ChatAnthropic
    from langchain_core.messages import HumanMessage

    made = partial(ChatAnthropic, model=CLAUDE, api_key=key, base_url=base_url, max_tokens=2_048)
    cases = _every_langchain_case()
    marked: dict[str, Case] = {
        "cached system": partial(_asked, asked=_system(_CACHED)),
        "counted": lambda m: m.get_num_tokens_from_messages([HumanMessage("Hi")]),
    }
    thought = {name: cases[name] for name in ("invoke", "stream", "tools, streamed")}
    return {
        "messages": (made(), cases | marked),
        "thinking": (made(thinking=THINKING), thought | {"thought before": _thought_before}),
    }


def _thought_before(model: Any) -> Any:
    """A turn whose answer, with its thinking and signature, goes back in the next."""
    first = model.invoke("Hi", config=_RUN)
    return model.invoke([("user", "Hi"), first, ("user", "And now?")], config=_RUN)


def _every_llamaindex_case() -> dict[str, Case]:
    from llama_index.core.llms import ChatMessage
    from llama_index.core.prompts import PromptTemplate
    from llama_index.core.tools import FunctionTool

    asked = [ChatMessage(role="system", content="Be short."), ChatMessage(content="Hi")]
    tools = [FunctionTool.from_defaults(weather)]

    async def both(model: Any) -> Any:
        parts = [part async for part in await model.astream_chat(asked)]
        return [await model.achat(asked), parts]

    return {
        "chat": lambda m: m.chat(asked),
        "stream_chat": lambda m: list(m.stream_chat(asked)),
        "complete": lambda m: m.complete("Hi"),
        "stream_complete": lambda m: list(m.stream_complete("Hi")),
        "tools": lambda m: m.chat_with_tools(tools, user_msg="Hi"),
        "tools, streamed": lambda m: list(m.stream_chat_with_tools(tools, user_msg="Hi")),
        "round of tool calls": lambda m: _called_back(m, tools),
        "image": lambda m: m.chat([_pictured()]),
        "asynchronous": lambda m: asyncio.run(both(m)),
        "structured": lambda m: m.as_structured_llm(Person).complete("Hi").raw,
        "structured_predict": lambda m: m.structured_predict(Person, PromptTemplate("Hi")),
    }


def _called_back(model: Any, tools: Any) -> Any:
    """A turn whose answer calls a tool, and the one that brings the tool's result."""
    from llama_index.core.llms import ChatMessage

    asked = ChatMessage(content="Where is it warm?")
    called = model.chat_with_tools(tools, user_msg=asked).message
    result = ChatMessage(role="tool", content="24 degrees", additional_kwargs=_ANSWERED)
    return model.chat_with_tools(tools, chat_history=[asked, called, result])


def _pictured() -> Any:
    from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock

    picture = ImageBlock(image=PIXEL.encode(), image_mimetype="image/png")
    return ChatMessage(blocks=[TextBlock(text="What is it?"), picture])


def _marked(model: Any) -> Any:
    from llama_index.core.llms import CacheControl, CachePoint, ChatMessage, TextBlock

    point = CachePoint(cache_control=CacheControl(type="ephemeral"))
    system = ChatMessage(role="system", blocks=[TextBlock(text="Be short."), point])
    return model.chat([system, ChatMessage(content="Hi")])


def _thought_again(model: Any) -> Any:
    from llama_index.core.llms import ChatMessage

    asked = ChatMessage(content="Hi")
    return model.chat([asked, model.chat([asked]).message, ChatMessage(content="And now?")])


def _llamaindex_openai(key: str, base_url: str) -> Made:
    from llama_index.llms.openai import OpenAI, OpenAIResponses

    cases = _every_llamaindex_case()
    given = {"model": GPT, "api_key": key, "api_base": base_url}
    return {"chat": (OpenAI(**given), cases), "responses": (OpenAIResponses(**given), cases)}


def _llamaindex_anthropic(key: str, base_url: str) -> Made:
    from llama_index.llms.anthropic import Anthropic

    cases = _every_llamaindex_case()
    made = partial(Anthropic, model=CLAUDE, api_key=key, base_url=base_url, max_tokens=2_048)
    thought = {name: cases[name] for name in ("chat", "stream_chat", "tools, streamed")}
    return {
        "messages": (made(), cases | {"cached system": _marked}),
        "thinking": (made(thinking_dict=THINKING), thought | {"thought before": _thought_again}),
    }


CLIENTS: dict[str, tuple[Callable[[str, str], Made], str, str]] = {
    "langchain-openai": (_langchain_openai, "/v1", "/openai/v1"),
    "langchain-anthropic": (_langchain_anthropic, "", "/anthropic"),
    "llama-index-llms-openai": (_llamaindex_openai, "/v1", "/openai/v1"),
    "llama-index-llms-anthropic": (_llamaindex_anthropic, "", "/anthropic"),
}
"""Each package: its clients, the path of a provider's base URL, and that of the gateway's."""


def _compared(package: str, own: str, between: str, upstream: int) -> int:
    """How many cases of a package differ."""
    made, behind_provider, behind_gateway = CLIENTS[package]
    direct, through = made("sk-1", own + behind_provider), made("sk-1", between + behind_gateway)
    wrong = 0
    for name, (client, cases) in direct.items():
        print(f"{package} {importlib.metadata.version(package)}, {name}")
        told = {one: _told_plainly(case) for one, case in cases.items()}
        wrong += compared(told, client, through[name][0], upstream)
    return wrong


def _told_plainly(case: Case) -> Case:
    return lambda model: plain(case(model))


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mba", help="The command of the server, where it is not installed here.")
    given = parser.parse_args()
    upstream, port = free_port(), free_port()
    own, between = f"http://127.0.0.1:{upstream}", f"http://127.0.0.1:{port}/gateway"
    with contextlib.ExitStack() as stack:
        stack.enter_context(provider(upstream))
        stack.enter_context(gateway(port, upstream, given.mba))
        wrong = sum(_compared(package, own, between, upstream) for package in CLIENTS)
    print("every field is equal" if not wrong else f"{wrong} cases differ")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
