"""Show that no context in a LlamaIndex prompt exceeds its budget, and how much of it is used.

    python -m benchmarks.llamaindex_fit
    python -m benchmarks.llamaindex_fit --cases 20000 --seed 7

Each case is a list of retrieved nodes with random texts, metadata, templates and scores, a budget
from one token to many, and one pass through `MemoryBudgetPostprocessor`. Most go on through
LlamaIndex's own `CompactAndRefine`, with a model that records its prompt; the context is cut out of
that prompt and counted again, by tiktoken where its vocabulary is at hand. Separators that no
synthesizer uses are joined here. With a prompt template the budget is that of the whole prompt.

Material is ample where nodes of at most 3 % of the budget hold at least twice the budget.

Exit code 1 if a context is over its budget, a node was changed, or a copy came out where originals
fit. Uses one core. Needs `mba-integrations[llamaindex]`.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

import numpy as np
from llama_index.core.base.llms.types import CompletionResponse, LLMMetadata
from llama_index.core.llms.custom import CustomLLM
from llama_index.core.prompts import PromptTemplate
from llama_index.core.response_synthesizers import CompactAndRefine
from llama_index.core.schema import MetadataMode, NodeWithScore, TextNode
from pydantic import PrivateAttr

from benchmarks.evidence import machine
from benchmarks.fit_texts import adversarial, words
from mba_integrations import TokenCounter, counter_for_model
from mba_integrations.core.counting.tiktoken_counters import TiktokenCounter
from mba_integrations.core.errors import TokenizerError
from mba_integrations.llamaindex import MemoryBudgetPostprocessor

CASES = 2_000
SEPARATORS = ("\n\n", "\n", " ", "\n---\n", "")
TEXT_TEMPLATES = ("{metadata_str}\n\n{content}", "{content}", "[{metadata_str}] {content} ##")
PROMPT_TEMPLATES = (
    None,
    "{context_str}",
    "Context:\n{context_str}\nQuestion: {query_str}\nAnswer: ",
    "Q: {query_str}\n---------------------\n{context_str}\n---------------------\n",
)
AMPLE_PART = 0.03
_MARK = "\x02"


class RecordingLLM(CustomLLM):
    """Keeps the last prompt."""

    _prompt: str = PrivateAttr(default="")

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(context_window=10**7, num_output=1)

    @property
    def prompt(self) -> str:
        """What it was asked last."""
        return self._prompt

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        self._prompt = prompt
        return CompletionResponse(text="ok")

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Retrieved nodes, and how they are to fit."""

    nodes: list[NodeWithScore]
    query: str
    budget_tokens: int
    separator: str
    prompt_template: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one case.

    Attributes:
        tokens: Tokens of the context, or of the prompt where a template is given; 0 for none.
        budget_tokens: What they must not exceed.
        ample: Whether the material was ample.
        faithful: Whether nodes are unchanged and originals came out.
    """

    tokens: int
    budget_tokens: int
    ample: bool
    faithful: bool


@dataclass(slots=True)
class Tally:
    """What was seen."""

    cases: int = 0
    over: int = 0
    unfaithful: int = 0
    empty: int = 0
    use: list[float] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        self.cases += 1
        self.over += outcome.tokens > outcome.budget_tokens
        self.unfaithful += not outcome.faithful
        self.empty += outcome.tokens == 0
        if outcome.ample:
            self.use.append(outcome.tokens / outcome.budget_tokens)


def random_case(draw: random.Random) -> Case:
    """One case; about every third has many short nodes for a middling budget."""
    many = draw.random() < 0.35
    count = draw.randint(120, 200) if many else draw.randint(0, 30)
    nodes = [_node(draw, place, short=many) for place in range(count)]
    budget = draw.randint(1000, 2500) if many else int(2 ** draw.uniform(0, 14))
    return Case(
        nodes=nodes,
        query=words(draw, draw.randint(1, 12)),
        budget_tokens=budget,
        separator="\n\n" if draw.random() < 0.7 else draw.choice(SEPARATORS),
        prompt_template=draw.choice(PROMPT_TEMPLATES) if draw.random() < 0.5 else None,
    )


def _node(draw: random.Random, place: int, *, short: bool) -> NodeWithScore:
    hard = draw.random() < 0.3
    length = draw.randint(5, 25) if short else int(2 ** draw.uniform(1, 9))
    text = adversarial(draw) if hard else f"{place} " + words(draw, length)
    fields = {name: draw.choice((place, words(draw, 2), None)) for name in ("file", "page", "note")}
    kept = draw.randint(0, 3) if draw.random() < 0.6 else 0
    node = TextNode(
        id_=f"n{place}",
        text=text,
        metadata=dict(list(fields.items())[:kept]),
        excluded_llm_metadata_keys=["note"] if draw.random() < 0.5 else [],
        text_template=draw.choice(TEXT_TEMPLATES),
        metadata_separator=draw.choice(("\n", "; ")),
    )
    score = draw.choice((draw.uniform(-0.2, 1.0), draw.uniform(0, 1), None))
    return NodeWithScore(node=node, score=score)


def outcome_of(case: Case, *, counter: TokenCounter, check: TokenCounter) -> Outcome:
    """Run one case."""
    before = [scored.model_dump() for scored in case.nodes]
    post = MemoryBudgetPostprocessor(
        budget_tokens=case.budget_tokens,
        separator=case.separator,
        prompt_template=case.prompt_template,
        token_counter=counter,
    )
    kept = post.postprocess_nodes(case.nodes, query_str=case.query)
    after = [scored.model_dump() for scored in case.nodes]
    originals = all(any(one is scored for scored in case.nodes) for one in kept)
    return Outcome(
        tokens=check.count(_prompt(case, kept)) if kept else 0,
        budget_tokens=case.budget_tokens,
        ample=_is_ample(case, check),
        faithful=before == after and (originals or len(kept) == 1),
    )


def _prompt(case: Case, kept: list[NodeWithScore]) -> str:
    """The context as the model receives it, in its template where there is one."""
    if case.separator != "\n\n":
        texts = [_text(scored) for scored in kept]
        context = case.separator.join(text for text in texts if text)
        template = case.prompt_template or "{context_str}"
        before, _, after = template.partition("{context_str}")
        question = case.query
        return (
            before.replace("{query_str}", question)
            + context
            + after.replace("{query_str}", question)
        )
    llm = RecordingLLM()
    marked = case.prompt_template is None
    template = case.prompt_template or f"{_MARK}{{context_str}}{_MARK}"
    synthesizer = CompactAndRefine(llm=llm, text_qa_template=PromptTemplate(template))
    synthesizer.synthesize(case.query, kept)
    return llm.prompt.split(_MARK)[1] if marked and llm.prompt else llm.prompt


def _text(scored: NodeWithScore) -> str:
    return scored.node.get_content(metadata_mode=MetadataMode.LLM).strip()


def _is_ample(case: Case, check: TokenCounter) -> bool:
    room = case.budget_tokens
    if case.prompt_template is not None:
        room -= check.count(case.prompt_template + case.query)
    sizes = [check.count(_text(scored) + case.separator) for scored in case.nodes]
    return 0 < 2 * room <= sum(size for size in sizes if size <= AMPLE_PART * room)


def counters() -> tuple[TokenCounter, TokenCounter]:
    """The counter under test, and tiktoken to check it; twice the first without its vocabulary."""
    counter = counter_for_model("gpt-4o")
    check = TiktokenCounter("o200k_base")
    try:
        check.count("")
    except TokenizerError:
        return counter, counter
    return counter, check


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Budgets behind a LlamaIndex retriever.")
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    command = ["python -m benchmarks.llamaindex_fit", *(arguments or sys.argv[1:])]
    version = metadata.version("llama-index-core")
    counter, check = counters()
    print(f"{machine()}, llama-index-core {version}, counted by {check!r} | {' '.join(command)}")
    tally, started = Tally(), time.perf_counter()
    for number in range(options.cases):
        case = random_case(random.Random(f"{options.seed}/{number}"))
        tally.add(outcome_of(case, counter=counter, check=check))
    seconds = time.perf_counter() - started
    use = np.array(tally.use or [0.0])
    print(f"cases {tally.cases:,} in {seconds:.0f} s, over budget {tally.over}, ", end="")
    print(f"unfaithful {tally.unfaithful}, without any context {tally.empty}")
    print(
        f"ample {len(tally.use):,}: use of the budget least {use.min():.1%}, "
        f"1st percentile {np.percentile(use, 1):.1%}, mean {use.mean():.2%}"
    )
    return 1 if tally.over or tally.unfaithful else 0


if __name__ == "__main__":
    sys.exit(main())
