"""Random requests of three protocols through the gateway's rewriting, counted again by other code.

    python -m benchmarks.gateway_requests [--conversations 2000] [--seed 1]

Each conversation has system texts, tools, calls in parallel, images, thinking, marks of a cache,
a memory, and a budget between next to nothing and more than it needs. What comes out is taken apart
here: none over its budget, no call without its results, no result without its call, the last
message of the user there, the order of roles valid, the client's own text as it was written.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from itertools import pairwise
from typing import Any

from benchmarks.gateway_made import LISTED, Made, Maker
from mba_integrations.core.config.gateway_settings import Inject
from mba_integrations.core.counting.given_counters import CallableCounter
from mba_integrations.core.errors import PinnedOverBudgetError
from mba_integrations.services.gateway.rewriting.block import MemoryBlock
from mba_integrations.services.gateway.rewriting.prefix import Sent
from mba_integrations.services.gateway.rewriting.rewrite import Rewritten, rewrite
from mba_integrations.services.gateway.rewriting.shortening import chooser_for
from mba_integrations.services.gateway.wire.apis import Api
from mba_integrations.services.gateway.wire.reading import Unread, read

WORDS = CallableCounter(str.split, id="words")
CHOOSER = chooser_for(WORDS)
APIS: tuple[Api, ...] = ("chat", "messages", "responses")
PLACES = tuple(Inject)
IMAGE_TOKENS = {"chat": 1844, "messages": 4784, "responses": 1844}
"""Of an image behind an address: the largest that the provider's formulas give."""


def memory_of(draw: random.Random) -> MemoryBlock:
    """A memory, one part or both, between a line and more than most budgets have room for."""

    def lines() -> str:
        return "".join(f"- fact é {number}\n" for number in range(draw.choice([0, 1, 10, 80])))

    return MemoryBlock(stable=lines(), changing=lines(), allocation_id="a1")


# What a request costs, written down once more: by the shapes that are made here, in words.


def recounted(api: Api, body: dict[str, Any]) -> int:
    """Tokens of a request."""
    tokens = 3 + sum(_element_tokens(api, one) for one in body[LISTED[api]])
    system = body.get("system") or body.get("instructions")
    if system:
        tokens += 3 + _content_tokens(api, system)
    if body.get("tools"):
        tokens += 346 if api == "messages" else 0
        tokens += sum(-(-11 * _count(_compact(tool)) // 10) for tool in body["tools"])
    return tokens


def _element_tokens(api: Api, one: dict[str, Any]) -> int:
    kind = one.get("type")
    if kind == "function_call":
        return 3 + 3 + _count(one["name"]) + _count(one["arguments"])
    if kind == "function_call_output":
        return 3 + 3 + _count(one["call_id"]) + _count(one["output"])
    if kind == "reasoning":
        return 3 + len(one["encrypted_content"]) // 4
    content = one["content"]
    if api == "messages" and one["role"] == "user" and _only_results(content):
        return sum(3 + 1 + 3 + _block_tokens(api, block) for block in content)
    tokens = 3 + 1 + _content_tokens(api, content)
    for call in one.get("tool_calls", ()):
        tokens += 3 + _count(call["function"]["name"]) + _count(call["function"]["arguments"])
    return tokens + (3 if one["role"] == "tool" else 0)


def _only_results(content: Any) -> bool:
    return isinstance(content, list) and all(one["type"] == "tool_result" for one in content)


def _content_tokens(api: Api, content: Any) -> int:
    if isinstance(content, str):
        return _count(content)
    return sum(_block_tokens(api, block) for block in content or ())


def _block_tokens(api: Api, block: dict[str, Any]) -> int:
    kind = block["type"]
    if "image" in kind:
        return IMAGE_TOKENS[api]
    if kind == "tool_use":
        return 3 + _count(block["name"]) + _count(_compact(block["input"]))
    if kind == "tool_result":
        return _count(block["tool_use_id"]) + _content_tokens(api, block["content"])
    return _count(block.get("text", "")) + _count(block.get("thinking", ""))


def _count(text: str) -> int:
    return len(text.split())


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# What must hold of every request that is sent on.


def faults_of(made: Made, sent: Rewritten, budget_tokens: int | None) -> list[str]:
    """What does not hold of a request as it is sent on."""
    text = sent.body.decode()
    body = json.loads(text)
    elements = body[LISTED[made.api]]
    found = []
    tokens = recounted(made.api, body)
    if budget_tokens is not None and tokens > budget_tokens:
        found.append("over budget")
    if sent.plan.tokens_after is not None and not tokens <= sent.plan.tokens_after <= tokens + 8:
        found.append("another count")
    if not _is_paired(made.api, elements):
        found.append("calls and results do not belong together")
    if not any(made.question in _compact(one) for one in elements):
        found.append("last message of the user is missing")
    if made.api == "messages" and not _alternates(elements):
        found.append("roles do not alternate")
    if not _own_text_stays(made, sent, text):
        found.append("the client's text is another one")
    return found


def _is_paired(api: Api, elements: list[dict[str, Any]]) -> bool:
    """Whether each call is answered right after it, and each result answers one of those."""
    waiting: set[str] = set()
    for place, one in enumerate(elements):
        called, answered = _ids(one, "called"), _ids(one, "answered")
        if not answered <= waiting:
            return False
        waiting -= answered
        if waiting and not answered and not called and one.get("role") != "system":
            return False
        waiting |= called
        last = place == len(elements) - 1
        if api == "messages" and waiting and not called and not last:
            return False
    return not waiting


def _ids(one: dict[str, Any], which: str) -> set[str]:
    kinds = {
        "called": ("function_call", "tool_use"),
        "answered": ("function_call_output", "tool_result"),
    }
    names = {"called": "id", "answered": "tool_use_id"}
    found = {call["id"] for call in one.get("tool_calls", ())} if which == "called" else set()
    if which == "answered" and one.get("role") == "tool":
        found.add(one["tool_call_id"])
    if one.get("type") in kinds[which]:
        found.add(one["call_id"])
    content = one.get("content")
    for block in content if isinstance(content, list) else ():
        if block["type"] in kinds[which]:
            found.add(block[names[which]])
    return found


def _alternates(elements: list[dict[str, Any]]) -> bool:
    roles = [one["role"] for one in elements]
    if roles[0] != "user" or any(a == b for a, b in pairwise(roles)):
        return False
    for one in elements:
        kinds = [block["type"] for block in one["content"] if isinstance(block, dict)]
        results = [at for at, kind in enumerate(kinds) if kind == "tool_result"]
        if results != [*range(len(results))]:
            return False
    return True


def _own_text_stays(made: Made, sent: Rewritten, text: str) -> bool:
    """Whether what is kept stands as the client wrote it, in its order, and all else around it."""
    if not sent.plan.changed:
        return sent.body == made.body
    if '"temperature": 1.0, "seed": 12345678901234567890' not in text:
        return False
    at = 0
    for place, element in enumerate(made.elements):
        if place in sent.plan.dropped or place in sent.plan.shortened:
            continue
        found = text.find(element, at)
        if found < 0 and not (made.api == "messages" and made.question in element):
            return False
        at = max(at, found)
    kept = [one for at, one in enumerate(made.elements) if at not in sent.plan.dropped]
    marks = sum(one.count("cache_control") for one in kept)
    return text.count("cache_control") >= marks


def rewritten(
    made: Made, draw: random.Random, *, fraction: float | None
) -> tuple[Rewritten | None, int | None]:
    """The request as it is sent on, None where it is refused, and its budget."""
    whole = recounted(made.api, json.loads(made.body))
    budget = None if fraction is None else max(1, int(whole * fraction))
    return sent_on(made, draw, budget, None), budget


def sent_on(
    made: Made, draw: random.Random, budget: int | None, before: Sent | None
) -> Rewritten | None:
    """The request as it is sent on; None where it is refused."""
    request = read(made.api, made.body)
    if isinstance(request, Unread):
        raise AssertionError(request.reason)
    try:
        return rewrite(
            request,
            WORDS,
            memory=memory_of(draw),
            inject=draw.choice(PLACES),
            request_tokens=budget,
            before=before,
            chooser=CHOOSER,
        )
    except PinnedOverBudgetError as error:
        if budget is None or error.needed_tokens <= budget:
            raise
        return None


def session_faults(draw: random.Random, api: Api) -> list[str]:
    """What does not hold of the requests of one session, each sent after the one before."""
    budget = draw.randrange(400, 4_000)
    before, found = Sent(), []
    for made in Maker(draw, api).session(draw.randrange(3, 12)):
        sent = sent_on(made, draw, budget, before)
        if sent is not None and sent.sent is not None:
            found += faults_of(made, sent, budget)
            before = Sent.from_dict(json.loads(json.dumps(sent.sent.to_dict())))
    return found


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    found: Counter[str] = Counter()
    for _ in range(options.conversations):
        made = Maker(draw, draw.choice(APIS)).request()
        fraction = draw.choice([None, draw.uniform(0, 0.3), draw.uniform(0.2, 1.2)])
        sent, budget = rewritten(made, draw, fraction=fraction)
        if sent is None:
            found["refused, with the numbers"] += 1
            continue
        found["sent"] += 1
        found["of those, as they came"] += not sent.plan.changed
        found["of those, with memory"] += sent.plan.injected_tokens > 0
        found["of those, with messages left out"] += bool(sent.plan.dropped)
        found["of those, with results shortened"] += bool(sent.plan.shortened)
        found.update(f"FAULT: {one}" for one in faults_of(made, sent, budget))
    for _ in range(options.conversations // 10):
        found["sessions of several turns"] += 1
        found.update(f"FAULT: {one}" for one in session_faults(draw, draw.choice(APIS)))
    for name, count in found.items():
        print(f"{count:6,}  {name}")
    print(f"{sum(count for name, count in found.items() if 'FAULT' in name):6,}  faults in all")


if __name__ == "__main__":
    main()
