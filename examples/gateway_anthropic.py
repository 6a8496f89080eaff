"""Anthropic's own client gets memory within a budget by another base URL.

Run it with: python examples/gateway_anthropic.py

A provider that repeats what it was sent about a door stands in for the model: no key is needed.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from anthropic import Anthropic
from fastapi import FastAPI

from mba_integrations.services import MemoryService
from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.mounts import Mount
from mba_integrations.services.gateway import app as gateways

FACTS = ("The door code of the studio is 4711.", "Kate skis in Oslo each March.")
QUESTION: Any = [{"role": "user", "content": "What is the door code?"}]
provider = FastAPI()


@provider.post("/v1/messages")
def answer(asked: dict[str, Any]) -> dict[str, Any]:
    lines = str(asked.get("system", "")).replace("\\n", "\n").split("\n")
    text = next((line for line in lines if line.startswith("- ") and "door" in line), "?")
    said = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": text}]}
    return {"id": "1", "model": "m", **said, "usage": {"input_tokens": 30, "output_tokens": 9}}


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Where an application answers; `mba serve --gateway` starts a server with the gateway too."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    running = threading.Thread(target=server.run)
    running.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    running.join()


def ask(url: str, workspace: str) -> str:
    """Ask by the client as ever, but for its base URL and the workspace."""
    own = {"x-mba-workspace": workspace}
    client = Anthropic(base_url=f"{url}/gateway/anthropic", api_key="k", default_headers=own)
    raw: Any = client.messages.with_raw_response.create(model="m", max_tokens=99, messages=QUESTION)
    said = str(raw.parse().content[0].text)
    print(f"{workspace}: {said!r}, {raw.headers.get('x-mba-used-tokens', 'no')} tokens counted")
    return said


def main() -> None:
    """Ask in a workspace whose memories the gateway puts in, and in one where it does not."""
    with tempfile.TemporaryDirectory() as place, MemoryService.open(Path(place) / "m.db") as kept:
        kept.create_workspace("studio", gateway={"inject": "system", "memory_tokens": 200})
        kept.create_workspace("plain")
        kept.remember("studio", FACTS)
        with serving(provider) as model:
            places = gateways.upstreams(anthropic_url=model)
            gateway = Mount.of(gateways.gateway_app(kept, places))
            with serving(create_app(kept, mounts=[gateway])) as url:
                assert FACTS[0] in ask(url, "studio")
                assert FACTS[0] not in ask(url, "plain")


if __name__ == "__main__":
    main()
