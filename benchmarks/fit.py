"""Show that no rendered prompt exceeds its budget, and how much of the budget is used.

    python -m benchmarks.fit
    python -m benchmarks.fit --cases 20000 --seed 7

Each case is one call of the public allocator, rendered and counted again by another counter of the
same vocabulary where there is one: tiktoken itself for OpenAI's encodings. Small pools of hard
texts (see `fit_texts`) meet small budgets: random ones, one token, exactly what was used at another
budget, and one token less. Formats, templates, orders, scoring, borrowing, pins and groups vary.

The second table is for ample material: candidates for twice the budget, none above 5 % of it,
lengths log-normal around 60 tokens, four tiers with 5/35/40/20 % of the items and 10/40/30/20 % of
the budget, budgets of 512 to 8,192. With chat messages the use is that of the messages.

Exit code 1 if a prompt is over its budget or `used_tokens` is not its count. Uses one core.
"""

from __future__ import annotations

import argparse
import platform
import random
import shlex
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.fit_texts import KINDS, PieceCounter, adversarial, huge, words
from mba_integrations import (
    Allocation,
    MemoryBudgetAllocator,
    MemoryItem,
    MemoryTier,
    PinnedOverBudgetError,
    PromptFormat,
    RenderingSettings,
    TokenCounter,
    WorkspaceConfig,
    counter_for_model,
)
from mba_integrations.core.counting.given_counters import HuggingFaceCounter
from mba_integrations.core.counting.tiktoken_counters import TiktokenCounter
from mba_integrations.core.layout.renderer import Renderer

CASES = 200_000
BUDGETS_PER_POOL = 16
HUGE_POOLS = 100  # one pool in so many holds an item of 100 KB
AMPLE_BUDGETS = (512, 1024, 2048, 4096, 8192)
AMPLE_POOLS = 8
TIERS = tuple(MemoryTier)
SHARES = {
    "working_memory_pct": 0.1,
    "project_memory_pct": 0.4,
    "long_term_memory_pct": 0.3,
    "rag_memory_pct": 0.2,
}
QUIET: dict[str, Any] = {"logging": {"enabled": False}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A counter under test and the one that checks it."""

    name: str
    counter: TokenCounter
    check: TokenCounter


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was seen with one counter."""

    cases: int = 0
    overruns: int = 0
    mismatches: int = 0
    not_additive: int = 0
    repaired: int = 0
    refused: int = 0
    used: list[float] = field(default_factory=list)

    def add(self, allocation: Allocation, budget: int, check: TokenCounter) -> None:
        """Count the rendered prompt again and compare."""
        needed = check.count(allocation.prompt_text)
        limit = max(needed, allocation.message_tokens if is_chat(allocation) else 0)
        self.cases += 1
        self.overruns += limit > budget
        self.mismatches += needed != allocation.used_tokens
        lines = sum(tier.used_tokens for tier in allocation.tiers.values())
        self.not_additive += not is_chat(allocation) and lines != needed
        self.repaired += any("were taken out" in note for note in allocation.notes)


def is_chat(allocation: Allocation) -> bool:
    """Whether the budget is that of chat messages."""
    return allocation.prompt_format is PromptFormat.MESSAGES


def trained_tokenizer() -> TokenCounter | None:
    """A byte-level BPE of Hugging Face, trained on texts of all kinds; None without the library."""
    try:
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    except ImportError:
        return None
    draw = random.Random(0)
    texts = [adversarial(draw).encode("utf-8", "replace").decode() for _ in range(4000)]
    tokenizer = Tokenizer(models.BPE())
    # Without the pattern of GPT-2, so that merges run across words and lines.
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=3000,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(texts, trainer)
    return HuggingFaceCounter(tokenizer)


def subjects() -> Iterator[Subject]:
    """The counters to test."""
    for name, model in (("o200k_base", "gpt-4o"), ("cl100k_base", "gpt-4")):
        yield Subject(name=name, counter=counter_for_model(model), check=TiktokenCounter(name))
    trained = trained_tokenizer()
    if trained:
        yield Subject(name="tokenizers BPE", counter=trained, check=trained)
    else:
        print("tokenizers BPE: skipped. Install it with: pip install 'mba-integrations[local]'")
    pieces = PieceCounter()
    yield Subject(name=pieces.id, counter=pieces, check=pieces)


def workspaces() -> list[WorkspaceConfig]:
    """Settings that change how a prompt is written or filled."""
    templates: list[dict[MemoryTier, str]] = [
        {},
        dict.fromkeys(TIERS, "[{date}] {text} ({source})"),
        dict.fromkeys(TIERS, "{id}: {text}/"),
    ]
    orders = ("value", "input", "ends")
    return [
        WorkspaceConfig(
            workspace_id=f"{prompt_format}-{number}-{borrowing}",
            borrowing=borrowing,
            scoring_method="product" if number == 1 else "weighted_sum",
            rendering={
                "format": prompt_format,
                "line_templates": template,
                "item_order": dict.fromkeys(TIERS, orders[number]),
            },
            **QUIET,
        )
        for prompt_format in PromptFormat
        for number, template in enumerate(templates)
        for borrowing in (True, False)
    ]


def hard_pool(draw: random.Random) -> list[MemoryItem]:
    """Up to 12 items of any kind; few pins, a group at times, an item of 100 KB rarely."""
    texts = [adversarial(draw) for _ in range(draw.randint(1, 12))]
    if draw.randrange(HUGE_POOLS) == 0:
        texts[0] = huge(draw)
    grouped = draw.random() < 0.2
    pinned = draw.randrange(60)
    items = []
    for number, text in enumerate(texts):
        tier = draw.choice(TIERS)
        items.append(
            MemoryItem(
                f"m{number}",
                text,
                tier,
                relevance=draw.random(),
                source=draw.choice((None, "notes", "a\nb/")),
                group=f"g-{tier}" if grouped and draw.random() < 0.5 else None,
                pinned=number == pinned,
                metadata=draw.choice(({}, {"role": "user"}, {"role": "assistant"})),
            )
        )
    return items


def hard_budgets(draw: random.Random, used: list[int]) -> Iterator[int]:
    """Budgets for one pool. `used` holds what earlier ones came to and grows meanwhile."""
    yield draw.randint(20, 400)
    for _ in range(BUDGETS_PER_POOL - 1):
        kind = draw.randrange(4)
        if kind == 0:
            yield max(1, draw.choice(used) - draw.randrange(2))
        elif kind == 1:
            yield draw.randint(1, 20)
        else:
            yield draw.randint(1, 2 * max(used) + 20)


def run_hard(subject: Subject, cases: int, draw: random.Random, tally: Tally) -> None:
    """Small pools of hard texts until there are so many cases."""
    configs = workspaces()
    allocator = MemoryBudgetAllocator(subject.counter)
    for config in configs:
        allocator.register_workspace(config)
    while tally.cases < cases:
        pool, name, used = hard_pool(draw), draw.choice(configs).workspace_id, [0]
        for budget in hard_budgets(draw, used):
            try:
                allocation = allocator.allocate_memory_budget("time", pool, name, budget)
            except PinnedOverBudgetError as error:
                tally.refused += 1
                tally.overruns += error.needed_tokens <= budget
                continue
            used.append(max(allocation.used_tokens, allocation.message_tokens))
            tally.add(allocation, budget, subject.check)


def ample_pool(draw: random.Random, budget: int, counter: TokenCounter) -> list[MemoryItem]:
    """Items for 2.2 times the budget, none of them above 5 % of it in any format."""
    renderers = [Renderer(RenderingSettings(format=each)) for each in PromptFormat]
    items: list[MemoryItem] = []
    needed = 0
    while needed < 2.2 * budget:
        length = min(800, max(4, round(draw.lognormvariate(np.log(60) - 0.405, 0.9))))
        text = words(draw, length) if draw.random() < 0.8 else KINDS["code"](draw)
        tier = draw.choices(TIERS, weights=(5, 35, 40, 20))[0]
        role = {"role": "user"} if tier is MemoryTier.WORKING else {}
        item = MemoryItem(f"m{len(items)}", text, tier, relevance=draw.random(), metadata=role)
        tokens = [counter.count(renderer.line(item)) for renderer in renderers]
        if max(tokens) <= 0.05 * budget:
            items.append(item)
            needed += min(tokens)
    return items


def run_ample(subject: Subject, draw: random.Random, tally: Tally) -> None:
    """More material than fits; notes the share of the budget that is used."""
    allocator, names = MemoryBudgetAllocator(subject.counter), []
    for prompt_format in PromptFormat:
        for method in ("weighted_sum", "usefulness"):
            config = WorkspaceConfig(
                workspace_id=f"{prompt_format}-{method}",
                scoring_method=method,
                rendering={"format": prompt_format},
                **SHARES,
                **QUIET,
            )
            allocator.register_workspace(config)
            names.append(config.workspace_id)
    for budget in AMPLE_BUDGETS:
        for _ in range(AMPLE_POOLS):
            pool = ample_pool(draw, budget, subject.counter)
            for name in names:
                allocation = allocator.allocate_memory_budget("time", pool, name, budget)
                tally.add(allocation, budget, subject.check)
                chat = allocation.message_tokens if is_chat(allocation) else 0
                tally.used.append(max(allocation.used_tokens, chat) / budget)


def line(name: str, hard: Tally, ample: Tally, seconds: float) -> str:
    """One line of the table."""
    both = hard.cases + ample.cases
    least, low, middle = np.percentile(ample.used, [0, 1, 50]) * 100
    return (
        f"{name:19} {both:8,} {hard.overruns + ample.overruns:9} "
        f"{hard.mismatches + ample.mismatches:10} {percent(hard.not_additive, hard.cases):>12} "
        f"{percent(hard.repaired, hard.cases):>9} {hard.refused:8,} "
        f"{ample.cases:6,} {least:6.1f} {low:6.1f} {middle:6.1f} {seconds:6.0f}"
    )


def percent(part: int, whole: int) -> str:
    """A part in percent."""
    return f"{100 * part / max(1, whole):.2f}%"


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and say by the exit code whether the guarantee held."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=CASES, help="hard cases over all counters")
    parser.add_argument("--seed", type=int, default=1, help="equal seeds give equal cases")
    options = parser.parse_args(arguments)
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")
    print(f"python -m benchmarks.fit {shlex.join(arguments or sys.argv[1:])}, seed {options.seed}")
    tested = list(subjects())
    print(
        f"{'counter':19} {'cases':>8} {'overruns':>9} {'mismatches':>10} {'not additive':>12} "
        f"{'repaired':>9} {'refused':>8} {'ample':>6} {'min %':>6} {'p1 %':>6} "
        f"{'median':>6} {'CPU s':>6}"
    )
    failures = 0
    for number, subject in enumerate(tested):
        started, draw = time.process_time(), random.Random(options.seed * 1000 + number)
        hard, ample = Tally(), Tally()
        run_hard(subject, -(-options.cases // len(tested)), draw, hard)
        run_ample(subject, draw, ample)
        print(line(subject.name, hard, ample, time.process_time() - started), flush=True)
        failures += hard.overruns + ample.overruns + hard.mismatches + ample.mismatches
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
