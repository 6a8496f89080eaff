"""Is a whole reply ever over the budget that was asked for it?

    python -m benchmarks.api_replies --replies 10000

Half of the recalls go over REST (`budget_for: reply`, the body as it was received is counted), half
over MCP (the text and the receipt). Texts are hostile to JSON and to tokenizers: quotes, line ends,
marks of other directions, half emoji, long words. A budget too small for any reply is refused, and
the refusal must be a refusal. Exits with 1 if a reply was over, or none was a reply.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import TextContent

from benchmarks.api_live import serving
from mba_integrations import MemoryItem, MemoryTier, counter_for_model
from mba_integrations.services import MemoryService
from mba_integrations.services.mcp.tools.reply import RECEIPT_KEY, written

WORKSPACES = 20
MEMORIES = 120
WORDS = [
    *("Kate", "Lisbon", "door", "code", "4711", "quartz", "lamp", "bees", "Monday", "bill"),
    *(
        '"quoted"',
        "back\\slash",
        "line\nend",
        "tab\t",
        '{"json": 1}',
        "<tag>",
        "&",
        "日本語",
        "день",
    ),
    *(
        "🐝",
        "👩\u200d👩\u200d👧",
        "\u202eright",
        "é\u0301\u0301",
        "0" * 24,
        "-" * 16,
        "<|endoftext|>",
        "\u2028",
    ),
]


@dataclass(slots=True)
class Counts:
    """What came back."""

    replies: int = 0
    refused: int = 0
    over: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    used: float = 0.0

    def line(self, name: str) -> str:
        """One line of the report."""
        share = self.used / max(1, self.replies)
        return (
            f"{name}: {self.replies:,} replies, {len(self.over):,} over, {self.refused:,} refused "
            f"as too small, {len(self.errors):,} errors; a reply has {share:.0%} of its budget"
        )


def text(draw: random.Random) -> str:
    """A text of one to some hundred words."""
    return "Note: " + " ".join(draw.choices(WORDS, k=draw.choice((1, 4, 12, 40, 200))))


def fill(path: Path, draw: random.Random) -> None:
    """Workspaces with memories of all tiers."""
    with MemoryService.open(path, background=False) as service:
        for number in range(WORKSPACES):
            service.create_workspace(f"w{number}")
            memories = [
                MemoryItem(
                    f"m{place}",
                    text(draw),
                    draw.choice(list(MemoryTier)),
                    importance=draw.random(),
                    source=draw.choice((None, "chat", 'a "source"\n')),
                )
                for place in range(MEMORIES)
            ]
            service.remember(f"w{number}", memories)


def asked(draw: random.Random) -> tuple[str, int]:
    """A question and a budget."""
    query = " ".join(draw.choices(WORDS, k=draw.randint(1, 8)))
    return query, int(10 ** draw.uniform(1.3, 3.6))


async def over_rest(url: str, count: int, draw: random.Random) -> Counts:
    """Recalls over REST, the body counted as it was received."""
    counts, counter = Counts(), counter_for_model("gpt-4o")
    async with httpx2.AsyncClient(base_url=url, timeout=60) as client:
        for _ in range(count):
            query, budget = asked(draw)
            answer = await client.post(
                f"/v1/workspaces/w{draw.randrange(WORKSPACES)}/recall",
                json={
                    "query": query,
                    "budget_tokens": budget,
                    "budget_for": "reply",
                    "format": draw.choice(("text", "messages", "blocks")),
                    "explain": draw.choice((None, 0, 3)),
                },
            )
            if answer.status_code == 422:
                counts.refused += 1
            elif answer.status_code != 200:
                counts.errors.append(answer.text[:200])
            else:
                counts.replies += 1
                needed = counter.count(answer.text)
                counts.used += needed / budget
                if needed > budget:
                    counts.over.append(f"{needed} of {budget}: {query!r}")
    return counts


async def over_mcp(url: str, count: int, draw: random.Random) -> Counts:
    """Recalls over MCP, one client for each workspace."""
    counts, counter = Counts(), counter_for_model("gpt-4o")
    for number in range(WORKSPACES):
        async with Client(streamable_http_client(f"{url}/mcp/w{number}")) as client:
            for _ in range(count // WORKSPACES):
                query, budget = asked(draw)
                arguments = {"query": query, "budget_tokens": budget}
                found = await client.call_tool("recall", arguments)
                said = "".join(one.text for one in found.content if isinstance(one, TextContent))
                if found.is_error and "budget_tokens" in said:
                    counts.refused += 1
                elif found.is_error:
                    counts.errors.append(said[:200])
                else:
                    counts.replies += 1
                    receipt = written((found.meta or {})[RECEIPT_KEY])
                    needed = counter.count(said) + counter.count(receipt)
                    counts.used += needed / budget
                    if needed > budget:
                        counts.over.append(f"{needed} of {budget}: {query!r}")
    return counts


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replies", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.db"
        fill(path, draw)
        with serving(path) as (url, _):
            rest = anyio.run(over_rest, url, options.replies // 2, draw)
            mcp = anyio.run(over_mcp, url, options.replies // 2, draw)
    for name, counts in (("REST", rest), ("MCP", mcp)):
        print(counts.line(name))
        for example in (*counts.over[:3], *counts.errors[:3]):
            print("   ", example)
    bad = any(counts.over or counts.errors or not counts.replies for counts in (rest, mcp))
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
