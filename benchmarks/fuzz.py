"""Call the public API with hostile values and report what breaks a promise of the library.

    python -m benchmarks.fuzz --calls 10000 --seed 1
    python -m benchmarks.fuzz --calls 500 --only MemoryPool
    python -m benchmarks.fuzz --replay 1:4711

A finding is an exception that is not a `MemoryBudgetError`, a prompt over its budget (counted
again), an item that is neither selected nor omitted, an input that was changed, or a call above
the bound of CPU time. For the adapters, which pydantic builds, a `ValidationError` is as good; what
a hostile callable or object raises itself passes through. Call *n* of a seed depends on those two
numbers only, so `--replay SEED:NUMBER` makes one again.

`fuzz_values` draws values; `fuzz_core`, `fuzz_files`, `fuzz_langchain`, `fuzz_llamaindex` and
`fuzz_services` say what is called with them. Memory is limited to `--memory` GB, a call to twelve
times the bound by the clock. Exit code 1 if there are findings.
"""

from __future__ import annotations

import argparse
import resource
import shlex
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np
from pydantic import ValidationError

from benchmarks import fuzz_core, fuzz_files, fuzz_langchain, fuzz_llamaindex, fuzz_services
from benchmarks.evidence import machine
from benchmarks.fuzz_values import CallersError, Draw
from mba_integrations import MemoryBudgetError

TARGETS = {
    **fuzz_core.TARGETS,
    **fuzz_files.TARGETS,
    **fuzz_langchain.TARGETS,
    **fuzz_llamaindex.TARGETS,
    **fuzz_services.TARGETS,
}
MOST_SECONDS = 5.0
SHOWN_ARGUMENTS = 300
_WAITING = 12  # a busy machine may stretch a call so far; one that waits or never ends is stopped
GIGABYTE = 2**30


class TooLong(BaseException):
    """The call was stopped; not an `Exception`, so that nothing on the way takes it for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one call did wrong.

    Attributes:
        target: What was called.
        seed: Of the run.
        number: Of the call.
        what: The kind: findings of one kind have most likely one cause.
        message: The exception's own words, or nothing.
        arguments: What was given, cut off.
    """

    target: str
    seed: int
    number: int
    what: str
    message: str
    arguments: str


@dataclass(slots=True)
class Report:
    """What a run saw."""

    calls: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


def run(
    seed: int,
    numbers: Sequence[int],
    *,
    targets: Mapping[str, Any] | None = None,
    most_seconds: float = MOST_SECONDS,
) -> Report:
    """Make the calls of those numbers."""
    names = list(TARGETS)
    chosen = TARGETS if targets is None else targets
    report = Report()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's, of values that it can hold but not add
        for number in numbers:
            name = names[number % len(names)]
            if name in chosen:
                one_call(name, seed, number, report, most_seconds)
    return report


def one_call(name: str, seed: int, number: int, report: Report, most_seconds: float) -> None:
    """Make one call and note what is wrong with it."""
    call = TARGETS[name](Draw(seed, number))
    before = marks(call.arguments)
    report.calls[name] += 1
    started = time.process_time()
    problems = []
    try:
        with stopped_after(_WAITING * most_seconds):
            problems += [(problem, "") for problem in call.run()]
    except (MemoryBudgetError, CallersError):
        report.refused[name] += 1
    except (Exception, TooLong) as error:
        if is_allowed(error, name):
            report.refused[name] += 1
        else:
            problems.append((f"{type(error).__name__} at {origin(error)}", str(error)))
    seconds = time.process_time() - started
    if seconds > most_seconds:
        problems.append((f"took more than {most_seconds:g} s of CPU time", f"{seconds:.1f} s"))
    if marks(call.arguments) != before:
        problems.append(("an input was changed", ""))
    shown = described(call.arguments) if problems else ""
    for what, message in problems:
        report.findings.append(
            Finding(target=name, seed=seed, number=number, what=what, message=message[:200],
                    arguments=shown)
        )  # fmt: skip


def is_allowed(error: BaseException, name: str) -> bool:
    """Whether an exception that is not the library's own may leave it here."""
    if isinstance(error, ValidationError):
        return "." in name  # the adapters' targets are named by their package
    return isinstance(error.__cause__ or error.__context__, CallersError)


def origin(error: BaseException) -> str:
    """The last place within the library, and where it was raised if that is elsewhere."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "mba_integrations" in frame.filename]
    if not own:
        return "the caller"
    path = own[-1].filename.rpartition("mba_integrations/")[2]
    return f"{path}:{own[-1].lineno}"


@contextmanager
def stopped_after(seconds: float) -> Iterator[None]:
    """Raise `TooLong` in a block that takes longer."""

    def stop(*_: object) -> None:
        raise TooLong(f"stopped after {seconds:g} s")

    earlier = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, earlier)


def marks(value: Any, depth: int = 6) -> Any:
    """Stands for a value as it is now: equal later if nothing in it was changed."""
    if isinstance(value, np.ndarray):
        plain = value.dtype != object
        return (value.shape, str(value.dtype), value.tobytes() if plain else id(value))
    if depth and isinstance(value, (list, tuple)) and type(value).__iter__ in _PLAIN_ITERATIONS:
        return [marks(one, depth - 1) for one in value]
    if depth and isinstance(value, dict):
        return [(id(key), marks(one, depth - 1)) for key, one in value.items()]
    if depth and is_dataclass(value) and not isinstance(value, type):
        return [marks(getattr(value, one.name), depth - 1) for one in fields(value)]
    return hash(value) if isinstance(value, (str, bytes)) else id(value)


_PLAIN_ITERATIONS = (list.__iter__, tuple.__iter__)


def described(arguments: Mapping[str, Any]) -> str:
    """The arguments, each cut off."""
    return ", ".join(f"{name}={_shown(value)}" for name, value in arguments.items())


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except Exception as error:
        text = f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
    return text if len(text) <= SHOWN_ARGUMENTS else text[:SHOWN_ARGUMENTS] + "…"


def printed(report: Report) -> Iterator[str]:
    """The lines of a report: calls per target, then each kind of finding with its first call."""
    yield "| target | calls | refused | findings |\n| --- | ---: | ---: | ---: |"
    found = Counter(finding.target for finding in report.findings)
    for name, calls in report.calls.items():
        yield f"| {name} | {calls:,} | {report.refused[name]:,} | {found[name]:,} |"
    total, kinds = len(report.findings), Counter((f.target, f.what) for f in report.findings)
    yield f"\n{sum(report.calls.values()):,} calls, {total:,} findings of {len(kinds):,} kinds"
    for (target, what), times in kinds.most_common():
        first = next(f for f in report.findings if (f.target, f.what) == (target, what))
        yield f"\n{times} × {target}: {what}: {first.message}"
        yield f"  --replay {first.seed}:{first.number}  {first.arguments}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Hostile calls of the public API.")
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=list(TARGETS), help="one target")
    parser.add_argument("--replay", metavar="SEED:NUMBER", help="one call, with its traceback")
    parser.add_argument("--seconds", type=float, default=MOST_SECONDS, help="CPU time of a call")
    parser.add_argument("--memory", type=int, default=6, help="GB of address space")
    options = parser.parse_args(arguments)
    resource.setrlimit(resource.RLIMIT_AS, (options.memory * GIGABYTE,) * 2)
    if options.replay:
        seed, number = map(int, options.replay.split(":"))
        return replay(seed, number)
    given = sys.argv[1:] if arguments is None else arguments
    print(f"{machine()} | python -m benchmarks.fuzz {shlex.join(given)} | seed {options.seed}\n")
    numbers = range(options.calls)
    targets = None
    if options.only:
        step = len(TARGETS)
        first = list(TARGETS).index(options.only)
        numbers = range(first, first + step * options.calls, step)
        targets = {options.only: TARGETS[options.only]}
    report = run(options.seed, numbers, targets=targets, most_seconds=options.seconds)
    print(as_safe("\n".join(printed(report))))
    return 1 if report.findings else 0


def replay(seed: int, number: int) -> int:
    """Make one call again and let its exception out."""
    name = list(TARGETS)[number % len(TARGETS)]
    call = TARGETS[name](Draw(seed, number))
    print(as_safe(f"{name}: {described(call.arguments)}"))
    problems = list(call.run())
    print(as_safe("\n".join(problems) or "no finding by exception or result"))
    return 1 if problems else 0


def as_safe(text: str) -> str:
    """*text* for a terminal: without control characters and lone surrogates."""
    return "".join(one if one == "\n" or one.isprintable() else ascii(one)[1:-1] for one in text)


if __name__ == "__main__":
    sys.exit(main())
