"""Processes that read the files of a large folder beside the one that writes.

To read, cut and check a file takes Python twice as long as to insert it, so two processes keep one
writer busy, and more would not help. Documents come in the order of the files, whichever process
had them, so what is stored is what one process alone would store. At most a few portions of files
are under way. A process that ends early costs time, no file: its portion is read here.

They are started by `subprocess`, so a script needs no guard, and a thread or a notebook may sync.
"""

from __future__ import annotations

import os
import pickle
import subprocess
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType
from typing import Self

from mba_integrations.ingest.documents.reader import DocumentReader
from mba_integrations.ingest.formats.apart import started_module
from mba_integrations.services.rag.files import FileToRead
from mba_integrations.services.rag.reading_process import Answer, Work, answered

FROM_FILES = 2_000
"""Two processes take a second of the processor to start, in which one reads so many files."""
_PROCESSES = 2
_MODULE = "mba_integrations.services.rag.reading_process"
_PORTION_FILES = 50
_PORTION_BYTES = 1_000_000
_UNDER_WAY = 2 * _PROCESSES
"""Portions that are read, or wait to be stored."""


class ReadingPool:
    """Reads files in other processes; use it in a `with` statement.

    Args:
        reader: Reads here what no process reads.
        work: What holds for all files.
    """

    def __init__(self, reader: DocumentReader, work: Work) -> None:
        self._reader = reader
        self._work = work
        self._started: list[subprocess.Popen[bytes]] = []
        self._free: SimpleQueue[subprocess.Popen[bytes] | None] = SimpleQueue()
        self._threads = ThreadPoolExecutor(_PROCESSES, thread_name_prefix="reading")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # A thread that waits for an answer is told by the end of its process.
        for process in self._started:
            process.kill()
            process.wait()
        self._threads.shutdown(cancel_futures=True)
        for process in self._started:
            process.communicate()

    def read(self, files: Sequence[FileToRead]) -> Iterator[Answer]:
        """The documents of files in their order, and those that are refused."""
        for _ in range(_PROCESSES):
            self._free.put(self._start())
        under_way: deque[tuple[list[FileToRead], Future[list[Answer] | None]]] = deque()
        for portion in _portions(files):
            if len(under_way) == _UNDER_WAY:
                yield from self._done(*under_way.popleft())
            under_way.append((portion, self._threads.submit(self._asked, portion)))
        for one in under_way:
            yield from self._done(*one)

    def _done(
        self, portion: list[FileToRead], answer: Future[list[Answer] | None]
    ) -> Iterable[Answer]:
        read = answer.result()
        return answered(self._reader, portion, self._work.now) if read is None else read

    def _asked(self, portion: list[FileToRead]) -> list[Answer] | None:
        """What a process says of files; None if it ended, or did so before."""
        process = self._free.get()
        answer = None if process is None else _answer_of(process, portion)
        self._free.put(None if answer is None else process)
        return answer

    def _start(self) -> subprocess.Popen[bytes] | None:
        try:
            process = started_module(_MODULE)
        except OSError:  # no room for one more
            return None
        self._started.append(process)
        return process if _send(process, self._work) else None


def may_read_apart(count: int) -> bool:
    """Whether so many files are worth processes of their own, and there is more than one core."""
    known = getattr(os, "sched_getaffinity", None)
    cores = len(known(0)) if known else os.cpu_count() or 1
    return count >= FROM_FILES and cores > 1


def _portions(files: Sequence[FileToRead]) -> Iterator[list[FileToRead]]:
    """Files that are read at once: some small ones, or a large one."""
    portion: list[FileToRead] = []
    size = 0
    for one in files:
        if portion and (len(portion) == _PORTION_FILES or size + one.size > _PORTION_BYTES):
            yield portion
            portion, size = [], 0
        portion.append(one)
        size += one.size
    if portion:
        yield portion


def _answer_of(process: subprocess.Popen[bytes], portion: list[FileToRead]) -> list[Answer] | None:
    assert process.stdout is not None
    if not _send(process, portion):
        return None
    try:
        answer: list[Answer] = pickle.load(process.stdout)
    except (OSError, EOFError, ValueError, pickle.UnpicklingError):
        return None
    return answer


def _send(process: subprocess.Popen[bytes], said: object) -> bool:
    """Whether the process was there to hear it."""
    assert process.stdin is not None
    try:
        process.stdin.write(pickle.dumps(said))
        process.stdin.flush()
    except (OSError, ValueError):
        return False
    return True
