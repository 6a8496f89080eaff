"""What the gateway adds to a call, beside a direct one and beside LiteLLM's proxy, in one run.

    python -m benchmarks.gateway_overhead
    python -m benchmarks.gateway_overhead --litellm ENVIRONMENT/bin/litellm

A scripted provider, the gateway and the proxy are processes of their own. Calls go to them in turn,
so that what else the machine does meets all of them; then 16 clients ask each one for its time.
`cpu` is what the process itself took for a call, which does not depend on what else runs.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.gateway_servers import cpu_seconds, free_port, gateway, provider, running

MODEL = "gpt-4o-mini"
_LITELLM = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}


@dataclass(slots=True)
class Way:
    """A way to the provider.

    Attributes:
        name: Of the table.
        port: Where it begins.
        path: Of a chat completion.
        pid: The process that is measured.
        milliseconds: Of each call.
        cpu_ms: Of the process, for a call of many at once.
        calls_per_second: With many clients.
    """

    name: str
    port: int
    path: str
    pid: int
    milliseconds: list[float] = field(default_factory=list)
    cpu_ms: float = 0.0
    calls_per_second: float = 0.0


class Client:
    """A connection that is kept, with as little of its own as can be."""

    def __init__(self, way: Way, stream: bool) -> None:
        self._way = way
        body = json.dumps(
            {
                "model": MODEL,
                "stream": stream,
                "messages": [{"role": "user", "content": "How is the weather in Lisbon? " * 40}],
            }
        )
        self._request = (
            f"POST {way.path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-local\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    async def connect(self) -> Client:
        """Open the connection."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._way.port)
        return self

    async def call(self) -> float:
        """Ask once; how many milliseconds it took to the last byte."""
        began = time.perf_counter()
        self._writer.write(self._request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise SystemExit(f"{self._way.name}: {head.decode()}")
        if b"content-length: " in head:
            length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
            await self._reader.readexactly(length)
        else:
            await self._reader.readuntil(b"\r\n0\r\n\r\n")
        return (time.perf_counter() - began) * 1000

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


async def in_turn(ways: list[Way], calls: int, stream: bool) -> None:
    """One call at a time, to each in turn."""
    clients = [await Client(way, stream).connect() for way in ways]
    for number in range(calls + calls // 5):
        for way, client in zip(ways, clients, strict=True):
            took = await client.call()
            if number >= calls // 5:  # the first ones warm up
                way.milliseconds.append(took)
    for client in clients:
        client.close()


async def at_once(way: Way, clients: int, seconds: float, stream: bool) -> None:
    """Many clients that ask without pause."""
    made = [await Client(way, stream).connect() for _ in range(clients)]
    until, done = time.perf_counter() + seconds, 0
    began, cpu = time.perf_counter(), cpu_seconds(way.pid)

    async def ask(client: Client) -> None:
        nonlocal done
        while time.perf_counter() < until:
            await client.call()
            done += 1

    await asyncio.gather(*(ask(client) for client in made))
    way.calls_per_second = done / (time.perf_counter() - began)
    way.cpu_ms = (cpu_seconds(way.pid) - cpu) * 1000 / done
    for client in made:
        client.close()


@contextlib.contextmanager
def litellm(command: Path, port: int, upstream: int) -> Iterator[int]:
    """LiteLLM's proxy before the scripted provider."""
    place = f"http://127.0.0.1:{upstream}/v1"
    params = {"model": f"openai/{MODEL}", "api_base": place, "api_key": "sk-local"}
    settings = {
        "model_list": [{"model_name": MODEL, "litellm_params": params}],
        "litellm_settings": {"telemetry": False},
        "general_settings": {"dangerously_permit_weak_or_unset_master_key": True},  # no keys here
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        file.write_text(json.dumps(settings))  # which is YAML too
        options = ["--config", str(file), "--port", str(port), "--host", "127.0.0.1"]
        with running([str(command), *options], port, _LITELLM) as pid:
            yield pid


def printed(ways: list[Way]) -> None:
    """The table."""
    direct = statistics.median(ways[0].milliseconds)
    print(f"{'way':10}{'p50':>9}{'p95':>9}{'added p50':>11}{'calls/s':>9}{'cpu ms/call':>13}")
    for way in ways:
        *_, p95 = statistics.quantiles(way.milliseconds, n=20)
        p50 = statistics.median(way.milliseconds)
        print(
            f"{way.name:10}{p50:9.2f}{p95:9.2f}{p50 - direct:11.2f}"
            f"{way.calls_per_second:9.0f}{way.cpu_ms:13.2f}"
        )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=1_000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--litellm", type=Path, help="The command of LiteLLM's proxy.")
    parser.add_argument("--stream", action="store_true", help="Ask for streams.")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        upstream = free_port()
        pid = stack.enter_context(provider(upstream))
        ways = [Way("direct", upstream, "/v1/chat/completions", pid)]
        port = free_port()
        pid = stack.enter_context(gateway(port, upstream))
        ways.append(Way("gateway", port, "/gateway/openai/v1/chat/completions", pid))
        if given.litellm:
            port = free_port()
            pid = stack.enter_context(litellm(given.litellm, port, upstream))
            ways.append(Way("litellm", port, "/v1/chat/completions", pid))
        asyncio.run(in_turn(ways, given.calls, given.stream))
        for way in ways:
            asyncio.run(at_once(way, given.clients, given.seconds, given.stream))
    printed(ways)


if __name__ == "__main__":
    main()
