"""Show that an agent's prompts keep their budget, and that its state is left alone.

    python -m benchmarks.langchain_fit
    python -m benchmarks.langchain_fit --runs 200 --seed 5000

Each run is a thread of `create_agent` with a scripted model (see `langchain_runs`): parallel tool
calls, long results, images, system prompts and budgets of all sizes, histories with what an
interrupted run leaves behind. It is done with the middleware and without. Checked is every list of
messages that the model received: its tokens by a count that is not the library's own, whole tool
rounds, the beginning, the last human message; and the state at the end, as JSON, and where a run
was refused, that the refusal came before the call and says what was needed.

Exit code 1 if anything is wrong. Uses one core.
"""

from __future__ import annotations

import argparse
import platform
import shlex
import sys
import time
from importlib.metadata import version

from benchmarks.langchain_runs import drawn_run, examined, recounted

RUNS = 2_000


def main() -> None:
    """Run, print the table, and tell by the exit code whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"command: python -m benchmarks.langchain_fit {shlex.join(sys.argv[1:])}".rstrip())
    print(f"machine: {platform.platform()}, Python {platform.python_version()}")
    print(f"versions: {', '.join(f'{n} {version(n)}' for n in ('langchain', 'langgraph'))}")
    started = time.perf_counter()
    calls = refused = messages = wrong = 0
    fullest = 0.0
    for seed in range(options.seed, options.seed + options.runs):
        run = drawn_run(seed)
        problems, outcome = examined(run)
        wrong += len(problems)
        for problem in problems:
            print(f"seed {seed}: {problem}")
        calls += len(outcome.received)
        refused += outcome.refused is not None
        messages += sum(map(len, outcome.received))
        used = [recounted(one) / run.budget_tokens for one in outcome.received]
        fullest = max([fullest, *used])
    print(f"runs                {options.runs:>9,}")
    print(f"model calls         {calls:>9,}")
    print(f"messages sent       {messages:>9,}")
    print(f"runs refused        {refused:>9,}  what must be sent did not fit")
    print(f"fullest prompt      {fullest:>9.1%}")
    print(f"problems            {wrong:>9,}")
    print(f"seconds             {time.perf_counter() - started:>9,.0f}")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
