"""The gateway's callback in LiteLLM's real proxy, before a scripted provider on this machine.

    python benchmarks/gateway_litellm.py [--environment FOLDER]

The environment has LiteLLM's proxy and what this package needs; without one, uv makes it. What is
checked is printed line by line, and the exit code says whether all of it held: memory arrives
within its budget in three protocols, streamed and not; headers reach the client; a budget refuses;
what calls used is noted, also of those that failed, fell back, or whose client went away.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.spending.usage.telling import gateway_usage
from mba_integrations.services.store.rows.gateway.usage import UsageBy
from mba_integrations.testing import WordCounter

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 300.0
NOTED_SECONDS = 60.0
MEMORY_TOKENS = 40
FACTS = {"skis": "Kate skis in Oslo each March.", "bees": "Ben keeps bees behind the red barn."}
QUESTION = "Where does Kate ski?"
MEMORY = {"inject": "before_last_user", "memory_tokens": MEMORY_TOKENS}
WORKSPACES: dict[str, dict[str, Any]] = {
    "default": MEMORY,
    "poor": {"spend": [{"unit": "tokens", "amount": 150, "period": "day"}]},
    "falls": {**MEMORY, "fallbacks": ["m"]},
    "fails": MEMORY,
    "leaves": {"spend": [{"unit": "tokens", "amount": 100_000, "period": "day"}]},
    "keeps": {"remember": True},
    "routes": {"models": {"simple": "m", "complex": "m"}},
}
HANDLER = """
from mba_integrations.services.gateway.litellm_callback import litellm_callback
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import WordCounter

service = MemoryService.open({path!r}, token_counter=WordCounter(), background=False)
handler = litellm_callback(service)
"""
# In place of keys of the proxy, which need a database of its own. The proxy runs a file once for
# each name that it takes from it, so this is a file apart.
KEYS = """
from litellm.proxy._types import UserAPIKeyAuth

async def known(request, api_key):
    workspace = api_key.removeprefix("sk-")
    return UserAPIKeyAuth(api_key=api_key, metadata={"mba_workspace": workspace})
"""
_CHAT_USED = {"prompt_tokens": 50, "completion_tokens": 10, "total_tokens": 60}
_USED = {"input_tokens": 50, "output_tokens": 10}
_SAID = {"role": "assistant", "content": "In Oslo."}
_TEXT = {"type": "output_text", "text": "In Oslo.", "annotations": []}
_OUTPUT = {**_SAID, "type": "message", "id": "msg_1", "status": "completed", "content": [_TEXT]}


class Provider(BaseHTTPRequestHandler):
    """Answers by path, by `stream` and by model: `broken` fails, `endless` never stops."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, dict[str, Any]]] = []  # noqa: RUF012

    def do_POST(self) -> None:
        """Answer."""
        size = int(self.headers.get("content-length", 0))
        asked = json.loads(self.rfile.read(size))
        self.seen.append((self.path, asked))
        if asked["model"] == "broken":
            self._send(500, b'{"error": {"message": "Sorry.", "type": "server_error"}}')
        elif asked["model"] == "slow":
            time.sleep(20)
            self._send(200, json.dumps(answer(self.path, asked["model"])).encode())
        elif asked.get("stream"):
            self._stream(asked)
        else:
            self._send(200, json.dumps(answer(self.path, asked["model"])).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, asked: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):
            for event in events(self.path, asked["model"]):
                self.wfile.write(event)
                self.wfile.flush()


def answer(path: str, model: str) -> dict[str, Any]:
    """A whole reply."""
    if path.endswith("/responses"):
        known = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed"}
        more = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
        used = {**_USED, "total_tokens": 60}
        return {**known, **more, "model": model, "output": [_OUTPUT], "usage": used}
    if path.endswith("/messages"):
        content = [{"type": "text", "text": "In Oslo."}]
        ended = {"stop_reason": "end_turn", "stop_sequence": None}
        message = {"id": "msg_1", "type": "message", "role": "assistant", **ended}
        return {**message, "model": model, "content": content, "usage": _USED}
    choice = {"index": 0, "message": _SAID, "finish_reason": "stop"}
    known = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1}
    return {**known, "model": model, "choices": [choice], "usage": _CHAT_USED}


def events(path: str, model: str) -> Iterator[bytes]:
    """A reply in events."""
    whole = answer(path, model)
    if path.endswith("/responses"):
        at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        yield _event({"type": "response.created", "response": {**whole, "output": []}})
        yield _event({"type": "response.output_text.delta", **at, "delta": "In Oslo."})
        yield _event({"type": "response.completed", "response": whole})
    elif path.endswith("/messages"):
        block, text = {"type": "text", "text": ""}, {"type": "text_delta", "text": "In Oslo."}
        yield _event({"type": "message_start", "message": {**whole, "content": []}})
        yield _event({"type": "content_block_start", "index": 0, "content_block": block})
        yield _event({"type": "content_block_delta", "index": 0, "delta": text})
        yield _event({"type": "content_block_stop", "index": 0})
        delta = {"stop_reason": "end_turn", "stop_sequence": None}
        yield _event({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 10}})
        yield _event({"type": "message_stop"})
    else:
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model}
        word = {**head, "choices": [{"index": 0, "delta": {**_SAID}, "finish_reason": None}]}
        while model == "endless":
            yield _event(word)
            time.sleep(0.1)
        yield _event(word)
        yield _event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        yield _event({**head, "choices": [], "usage": _CHAT_USED})
        yield b"data: [DONE]\n\n"


def _event(said: dict[str, Any]) -> bytes:
    name = f"event: {said['type']}\n" if "type" in said else ""
    return f"{name}data: {json.dumps(said)}\n\n".encode()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return int(bound.getsockname()[1])


def made_environment(folder: Path) -> Path:
    """An environment with LiteLLM's proxy and this package."""
    subprocess.run(["uv", "venv", "-q", str(folder)], check=True)
    wanted = ["litellm[proxy]", f"{ROOT}[server]"]
    python = str(folder / "bin" / "python")
    subprocess.run(["uv", "pip", "install", "-q", "--python", python, *wanted], check=True)
    return folder


@contextlib.contextmanager
def provider() -> Iterator[int]:
    """The scripted provider, in a thread."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()


@contextlib.contextmanager
def proxy(environment: Path, folder: Path, upstream: int) -> Iterator[int]:
    """LiteLLM's proxy with the callback; the port where it answers."""
    port, place = free_port(), f"http://127.0.0.1:{upstream}"
    named = {name: {"model": f"openai/{name}", "api_base": f"{place}/v1"} for name in MODELS}
    named["claude"] = {"model": "anthropic/claude", "api_base": place}
    models = [
        {"model_name": name, "litellm_params": {**params, "api_key": "sk-x", "max_retries": 0}}
        for name, params in named.items()
    ]
    settings = {
        "model_list": models,
        "litellm_settings": {"telemetry": False, "callbacks": "custom_mba.handler"},
        "general_settings": {
            "custom_auth": "custom_keys.known",
            "master_key": f"sk-{secrets.token_hex(32)}",  # it does not start without one
        },
    }
    (folder / "config.yaml").write_text(json.dumps(settings))  # which is YAML too
    (folder / "custom_mba.py").write_text(HANDLER.format(path=str(folder / "memory.db")))
    (folder / "custom_keys.py").write_text(KEYS)
    more = {"PYTHONPATH": str(ROOT), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    options = ["--config", "config.yaml", "--port", str(port), "--host", "127.0.0.1"]
    command = [str(environment / "bin" / "litellm"), *options]
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **more}, stdout=log, stderr=log
        )
        try:
            _until(lambda: _answers(port) or process.poll() is not None, READY_SECONDS)
            if process.poll() is not None:
                raise SystemExit(f"The proxy does not run: {(folder / 'proxy.log').read_text()}")
            yield port
        finally:
            process.terminate()
            process.wait(60)


MODELS = ("m", "broken", "endless", "slow")


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _until(holds: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True


class Client:
    """Asks the proxy, and prints what was checked.

    Args:
        port: Of the proxy.

    Attributes:
        failed: How many checks did not hold.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.failed = 0

    def check(self, what: str, holds: object, seen: object = "") -> None:
        """Print one line."""
        self.failed += not holds
        print(f"{'ok  ' if holds else 'FAIL'} {what}{'' if holds else f': {seen}'}", flush=True)

    def opened(self, workspace: str, path: str, **body: Any) -> http.client.HTTPConnection:
        """A request that is sent, and not answered yet."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        headers = {"authorization": f"Bearer sk-{workspace}", "content-type": "application/json"}
        connection.request("POST", path, json.dumps(body), headers)
        return connection

    def ask(self, workspace: str, path: str, **body: Any) -> tuple[int, dict[str, str], str]:
        """A whole reply: status, headers, text."""
        connection = self.opened(workspace, path, **body)
        reply = connection.getresponse()
        headers = {name.lower(): value for name, value in reply.getheaders()}
        text = reply.read().decode()
        connection.close()
        return reply.status, headers, text


def chat(model: str = "m", **more: Any) -> dict[str, Any]:
    """A chat completion that asks the question."""
    return {"model": model, "messages": [{"role": "user", "content": QUESTION}], **more}


def check_memory(client: Client) -> None:
    """Six shapes of calls have their memory, and only that is new."""
    user = [{"role": "user", "content": QUESTION}]
    shapes: dict[str, dict[str, Any]] = {
        "/v1/chat/completions": chat(metadata={"session_id": "s1"}, max_tokens=50),
        "/v1/responses": {"model": "m", "input": QUESTION, "metadata": {"session_id": "s2"}},
        "/v1/messages": {"model": "claude", "max_tokens": 50, "messages": user},
    }
    for path, body in shapes.items():
        for more in ({}, {"stream": True}):
            way = f"{path}{' streamed' if more else ''}"
            status, headers, text = client.ask("default", path, **body, **more)
            _, sent = Provider.seen[-1]
            said = sent.get("messages") or sent["input"]
            listed = [said] if isinstance(said, str) else said
            texts = [sent.get("system") or sent.get("instructions") or "", *listed]
            memory = " ".join(json.dumps(one) for one in texts[:-1])
            client.check(f"{way}: answered", status == 200 and "In Oslo." in text, text[:300])
            client.check(f"{way}: memory arrives", FACTS["skis"] in memory, sent)
            words = WordCounter().count(memory)
            client.check(f"{way}: within its budget", 0 < words <= MEMORY_TOKENS + 9, words)
            client.check(f"{way}: the question stays", QUESTION in json.dumps(texts[-1]), sent)
            client.check(f"{way}: nothing else of ours", "mba" not in json.dumps(sent), sent)
            told = {"x-mba-allocation-id", "x-mba-used-tokens", "x-mba-route", "x-mba-overhead-ms"}
            client.check(f"{way}: headers", told <= headers.keys(), headers)


def check_budget(client: Client) -> None:
    """A call that has no room is refused, and not sent on."""
    body = chat(max_tokens=50)
    first, _, text = client.ask("poor", "/v1/chat/completions", **body)
    client.check("a budget has room for one call", first == 200, text)
    replies = [client.ask("poor", "/v1/chat/completions", **body) for _ in range(4)]
    status, headers, text = replies[-1]
    client.check("a budget refuses the next ones", status == 429, (status, text))
    client.check("the client is told why", "tokens" in text and "gateway.spend" in text, text)
    client.check("and when to try again", int(headers.get("retry-after", 0)) > 0, headers)


def check_ends(client: Client) -> None:
    """Calls that fall back, fail, or lose their client."""
    status, _, text = client.ask("falls", "/v1/chat/completions", **chat("broken"))
    client.check("a fallback of the settings is asked", status == 200, (status, text[:300]))
    status, _, text = client.ask("fails", "/v1/chat/completions", **chat("broken"))
    client.check("a failure is the client's to see", status >= 500, (status, text[:300]))
    status, headers, text = client.ask("routes", "/v1/chat/completions", **chat("mba/auto"))
    route = headers.get("x-mba-route", "")
    client.check("mba/auto is one of the proxy's models", route.startswith("m;"), (status, text))
    gone = client.opened("leaves", "/v1/chat/completions", **chat("endless", stream=True))
    gone.getresponse().read(400)
    gone.close()
    gone = client.opened("leaves", "/v1/chat/completions", **chat("slow"))
    time.sleep(5)
    gone.close()
    client.ask("keeps", "/v1/chat/completions", **chat())


def check_noted(client: Client, service: MemoryService) -> None:
    """What was used, as the store has it."""

    def figures(workspace: str) -> Any:
        return gateway_usage(service, workspace).figures

    def noted(workspace: str, requests: int) -> bool:
        return _until(lambda: figures(workspace).requests >= requests, NOTED_SECONDS)

    client.check("six calls are noted", noted("default", 6), figures("default"))
    used = figures("default")
    sums = (used.requests, used.input_tokens, used.output_tokens)
    client.check("with what the replies say", sums == (6, 300, 60), sums)
    client.check(
        "refusals are noted", noted("poor", 5) and figures("poor").refused, figures("poor")
    )
    client.check("a fallback's use is noted", noted("falls", 1), figures("falls"))
    by_model = gateway_usage(service, "falls", by=UsageBy.MODEL).groups
    client.check("as the fallback's", [one.key for one in by_model] == ["m"], by_model)
    client.check("a failure is noted", noted("fails", 1), figures("fails"))
    failed = figures("fails")
    client.check("without any use", (failed.failed, failed.input_tokens) == (1, 0), failed)
    client.check("calls without a client are noted", noted("leaves", 2), figures("leaves"))
    client.check("with what had come", figures("leaves").output_tokens > 0, figures("leaves"))
    kept = {row.content for row in service.list("keeps", limit=9).rows}
    client.check("turns are remembered", kept == {QUESTION, "In Oslo."}, kept)


def main() -> int:
    """Check all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environment", type=Path, help="Has LiteLLM's proxy in it.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        environment = given.environment or made_environment(folder / "environment")
        service = stack.enter_context(
            MemoryService.open(folder / "memory.db", token_counter=WordCounter(), background=False)
        )
        for workspace, settings in WORKSPACES.items():
            service.create_workspace(workspace, max_total_tokens=1_000, gateway=settings)
            if settings.get("inject"):
                items = [MemoryItem(*fact, MemoryTier.LONG_TERM) for fact in FACTS.items()]
                service.remember(workspace, items)
        upstream = stack.enter_context(provider())
        client = Client(stack.enter_context(proxy(environment.resolve(), folder, upstream)))
        check_memory(client)
        check_budget(client)
        check_ends(client)
        check_noted(client, service)
        if client.failed:
            print((folder / "proxy.log").read_text()[-4_000:], file=sys.stderr)
        print(f"{client.failed} checks failed")
    return int(client.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
