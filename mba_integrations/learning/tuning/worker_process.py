"""A process that works on a study: its number and its task on standard input, no output.

It is started by `workers`, which trusts it and is trusted by it, so they speak by pickle. Where the
one that started it is killed, it ends after its trial.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys

from mba_integrations.learning.tuning.studies import Studies, Task, Worker


def main() -> None:
    """Work for the process that started this one."""
    # An interrupt from the keyboard goes to both; the other one ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    starter = os.getppid()
    number, task = pickle.load(sys.stdin.buffer)
    assert isinstance(task, Task)

    def end_with_the_starter(done: float) -> None:
        if os.getppid() != starter:
            raise SystemExit

    with Studies(task.url) as studies:
        Worker(studies, task).work(number=number, told=end_with_the_starter)


if __name__ == "__main__":
    main()
