"""OpenAI's and Anthropic's own clients get memory within a budget by another base URL.

Run it with: python examples/gateway.py

A scripted provider stands in for both: it answers with the line of what it was sent that fits the
question best, so that no key and no network is needed. Each part asserts what it shows.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import uvicorn
from anthropic import Anthropic
from openai import OpenAI

from mba_integrations.services import MemoryService
from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.mounts import Mount
from mba_integrations.services.gateway import app as gateways

FACTS = ("The door code of the studio is 4711.", "Kate skis in Oslo each March.")
QUESTION = "What is the door code?"


class Provider(BaseHTTPRequestHandler):
    """Answers in both protocols."""

    def do_POST(self) -> None:
        """Answer with the line that shares most words with the question."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        sent = f"{asked.get('system', '')}\n{asked['messages']}".replace("\\n", "\n").split("\n")
        words = set(QUESTION.lower().rstrip("?").split())
        known = [line for line in sent if line.startswith("- ")]
        best = max(known, key=lambda line: len(words & set(line.lower().split())), default="?")
        message = {"role": "assistant", "content": best}
        if "messages" in self.path:
            parts: Any = [{"type": "text", "text": best}]
            usage = {"input_tokens": 30, "output_tokens": 9}
            reply: Any = {"id": "m", "type": "message", **message, "content": parts, "usage": usage}
        else:
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            reply = {"id": "c", "object": "chat.completion", "created": 0, "choices": [choice]}
        body = json.dumps({**reply, "model": asked["model"]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def gateway(service: MemoryService) -> Iterator[str]:
    """Where a server with the gateway answers; `mba serve --gateway` starts one as well."""
    provider = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{provider.server_port}"
    places = gateways.upstreams(openai_url=f"{url}/v1", anthropic_url=url)
    api = create_app(service, mounts=[Mount.of(gateways.gateway_app(service, places))])
    server = uvicorn.Server(uvicorn.Config(api, port=0, log_level="warning"))
    running = threading.Thread(target=server.run)
    running.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/gateway"
    finally:
        server.should_exit = True
        running.join()
        provider.shutdown()
        provider.server_close()


def main() -> None:
    """Ask by both clients, with memory and without."""
    with tempfile.TemporaryDirectory() as folder, MemoryService.open(Path(folder) / "m.db") as kept:
        kept.create_workspace("default", gateway={"inject": "system", "memory_tokens": 200})
        kept.create_workspace("plain")
        kept.remember("default", FACTS)
        with gateway(kept) as url:
            asked: Any = [{"role": "user", "content": QUESTION}]
            for workspace in ("default", "plain"):
                own = {"x-mba-workspace": workspace}
                openai = OpenAI(base_url=f"{url}/openai/v1", api_key="k", default_headers=own)
                chats: Any = openai.chat.completions.with_raw_response
                raw = chats.create(model="m", messages=asked)
                chat = raw.parse().choices[0].message.content
                anthropic = Anthropic(base_url=f"{url}/anthropic", api_key="k", default_headers=own)
                message: Any = anthropic.messages.create(model="m", max_tokens=99, messages=asked)
                print(f"{workspace}: {QUESTION}\n  OpenAI's client: {chat}")
                print(f"  Anthropic's client: {message.content[0].text}")
                print(f"  tokens counted: {raw.headers.get('x-mba-used-tokens', 'none')}")
                assert (FACTS[0] in chat) is (workspace == "default")
                assert (FACTS[0] in message.content[0].text) is (workspace == "default")


if __name__ == "__main__":
    main()
