"""An agent at work: the steps that its last ones build on.

Where the running talk works on the question, and a third of it are results of tools, words of the
question say little: they were met at the start. What an agent needs is what its last steps speak
of, by the names in them: paths, functions, options. A step is worth what it shares with the last
four; a quarter of that where no tool gave it, since what an agent says of a result is in the
result. A talk in which tools answer as users is told by its names: nearly every step has some.

Six steps. The last four name `app.yaml`, `read_config`, `PORT_MAX` and `README`, four names:

    step   role       names                  shares   probability
    1      user       (the task)             0        0
    2      tool       main.py, read_config   1/4      0.13
    3      assistant  README                 1/4      0.03
    4      tool       README                 1/4      0.13
    5      assistant  read_config            1/4      0.03
    6      tool       app.yaml, read_config, PORT_MAX
                                             3/4      0.38

Worth counts per step and not per token: results are long, and one is not worth less for its length.
So the value of a step grows with its tokens, and is its probability at the usual length.

Measured on swe-agent-sessions by `python -m benchmarks.agent_traces`; docs/architecture.md has the
figures.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.dialogue.roles import Role
from mba_integrations.core.dialogue.spoken import Spoken
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.value.question import Question

_LEAST_STEPS = 4
_LAST_STEPS = 4
_LEAST_RESULTS = 1 / 3
_LOOKED_AT = 64
"""Of the newest steps, for whether tools answer as users."""
_NAMED_STEPS = 0.9
_NAMES_PER_WORD = 0.04
"""Distinct ones. Sessions of swe-agent have 0.045 or more, 19 of 20 chats of beam-100k less."""
_MOST_PROBABLE = 0.5
"""That a step is needed which names all that the last ones name."""
_UNLESS_RESULT = 0.25
_MOST_CHARS = 20_000
_REMEMBERED = 2_048
_CHARS_PER_TOKEN = 4.0
_NAME = re.compile(r"[A-Za-z_][\w./]*\w")
_PART = re.compile(r"[A-Za-z_]\w*")
_LEAST_CHARS = 4


@dataclass(frozen=True, slots=True)
class Trace:
    """The steps of an agent at work.

    Attributes:
        rows: Their rows, in order, shape (k,).
        probability: That each is needed, shape (k,).
        usual_tokens: Tokens of a step, about.
        asked: What a user says, each in one line.
    """

    rows: IntArray
    probability: FloatArray
    usual_tokens: float
    asked: tuple[str, ...]


def trace_of(question: Question, snapshot: PoolSnapshot) -> Trace | None:
    """The running talk as the steps of an agent; None where no agent works on the question."""
    known: tuple[Trace | None] | None = snapshot.derived.get("trace")
    if known is None:
        known = snapshot.derived["trace"] = (_found(snapshot),)
    (trace,) = known
    return trace if trace is not None and _works_on(question.text, trace) else None


def _found(snapshot: PoolSnapshot) -> Trace | None:
    """The running talk as the steps of an agent, whatever is asked; None where it is none."""
    talk = snapshot.talk
    said = dict(zip(talk.rows.tolist(), talk.said, strict=True))
    steps = [said.get(row) for row in talk.running.tolist()]
    return _trace(snapshot, steps) if _is_trace(snapshot, steps) else None


def _is_trace(snapshot: PoolSnapshot, steps: Sequence[Spoken | None]) -> bool:
    if len(steps) < _LEAST_STEPS:
        return False
    results = sum(_is_result(step) for step in steps)
    if results:
        return results >= _LEAST_RESULTS * (len(steps) - 1)
    newest = snapshot.talk.running[-_LOOKED_AT:].tolist()
    texts = [snapshot.texts[row][:_MOST_CHARS] for row in newest]
    named = sum(bool(names_in(text)) for text in texts)
    words = sum(len(text.split()) for text in texts)
    return (
        named >= _NAMED_STEPS * len(texts)
        and sum(len(names_in(text)) for text in texts) >= _NAMES_PER_WORD * words
    )


def _is_result(step: Spoken | None) -> bool:
    return step is not None and step.role is Role.RESULT


def _works_on(text: str, trace: Trace) -> bool:
    """Whether a user says the question in one of the steps."""
    asked = _in_one_line(text)
    return bool(asked) and any(asked in said for said in trace.asked)


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _trace(snapshot: PoolSnapshot, steps: Sequence[Spoken | None]) -> Trace:
    rows = snapshot.talk.running
    texts = [snapshot.texts[row] for row in rows.tolist()]
    names = [names_in(text[:_MOST_CHARS]) for text in texts]
    last = frozenset().union(*names[-_LAST_STEPS:])
    shares = np.array([len(of_step & last) for of_step in names]) / max(len(last), 1)
    tools = Role.RESULT if any(map(_is_result, steps)) else Role.USER
    gives = [step is not None and step.role is tools for step in steps]
    part = np.where(gives, 1.0, _UNLESS_RESULT)
    usual = float(np.mean([len(text) for text in texts])) / _CHARS_PER_TOKEN
    asks = [step is not None and step.role is Role.USER for step in steps]
    return Trace(
        rows=rows,
        probability=_MOST_PROBABLE * part * shares,
        usual_tokens=max(usual, 1.0),
        asked=tuple(map(_in_one_line, compress(texts, asks))),
    )


@lru_cache(maxsize=_REMEMBERED)
def names_in(text: str) -> frozenset[str]:
    """Names of things in code: words of four letters or more with `_`, `.`, `/` or capitals inside.

    >>> sorted(names_in("Kate: read src/app.py, then call loadConfig with max_size. Done."))
    ['loadConfig', 'max_size', 'src/app.py']
    """
    found = [word for word in _NAME.findall(text) if _is_name(word) or "." in word or "/" in word]
    parts = [part for part in _PART.findall(text) if _is_name(part)]
    return frozenset(word for word in (*found, *parts) if len(word) >= _LEAST_CHARS)


def _is_name(word: str) -> bool:
    return "_" in word or (not word.islower() and not word[1:].islower())
