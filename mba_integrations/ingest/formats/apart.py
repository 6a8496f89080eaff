"""Read a file in a process of its own, which a hostile one may hang, crash or fill.

A reader of PDF, of HTML or of a workbook is a large program in C++, C or Rust that is given bytes
of strangers. What goes wrong in it ends that process, and the file is refused with what happened.
One process reads many files; it is started when the first one comes, and again after it had to be
ended.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from mba_integrations.ingest.formats.kinds import Kind
from mba_integrations.ingest.formats.limits import Limits
from mba_integrations.ingest.formats.parts import FileText, Part
from mba_integrations.ingest.formats.refusing import RefusalReason, UnreadableError, check_count

_MODULE = "mba_integrations.ingest.formats.reading_process"
_ANSWER_BYTES_PER_CHAR = 16
"""JSON of a character outside the first plane has 12 bytes; the rest is for places."""


class ReadingProcess:
    """A process that reads files; close it, or use it in a `with` statement.

    Safe to share between threads: one file is read at a time.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process; the next file starts another one."""
        with self._lock:
            self._end()

    def read(self, data: bytes, path: str) -> FileText:
        """The text of a file.

        Raises:
            UnreadableError: If it cannot be read within the limits.
        """
        check_count(len(data), self._limits.file_bytes, "bytes")
        with self._lock:
            was_used = self._process is not None
            try:
                return self._read(data, path)
            except UnreadableError as error:
                # What files before it left behind must not be laid at this one's door.
                if not was_used or error.reason not in _OF_THE_PROCESS:
                    raise
            return self._read(data, path)

    def _read(self, data: bytes, path: str) -> FileText:
        process = self._process = self._process or started_module(_MODULE)
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self._limits.seconds, end)
        timer.start()
        try:
            answer = self._asked(process, data, path)
        finally:
            timer.cancel()
        if answer is None:
            self._end()
            raise self._too_slow() if late.is_set() else _crashed(process.returncode)
        if "reason" not in answer:
            return _file_text(answer)
        if answer["reason"] == RefusalReason.TOO_MUCH_MEMORY:
            self._end()
            raise UnreadableError(
                RefusalReason.TOO_MUCH_MEMORY,
                f"needs more than {self._limits.memory_bytes:,} bytes of memory",
            )
        raise UnreadableError(
            RefusalReason(answer["reason"]), answer["message"], detail=answer["detail"]
        )

    def _asked(
        self, process: subprocess.Popen[bytes], data: bytes, path: str
    ) -> dict[str, Any] | None:
        """The answer; None if the process ended before it had one."""
        header = {"path": path, "size": len(data), "limits": asdict(self._limits)}
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(header).encode() + b"\n")
            process.stdin.write(data)
            process.stdin.flush()
            line = process.stdout.readline(int(self._limits.chars) * _ANSWER_BYTES_PER_CHAR)
            answer: dict[str, Any] = json.loads(line)
        except (OSError, ValueError):
            return None
        return answer

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _too_slow(self) -> UnreadableError:
        return UnreadableError(
            RefusalReason.TOO_SLOW, f"takes longer than {self._limits.seconds:g} seconds"
        )


def started_module(module: str) -> subprocess.Popen[bytes]:
    """A process that runs a module of this package, with pipes to its input and output.

    Not by `multiprocessing`, which runs the caller's own script again in each process.
    """
    # `-P` keeps the current folder, which may be a stranger's, off the path of imports.
    path = os.pathsep.join(place for place in sys.path if place)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
    )


_OF_THE_PROCESS = frozenset({RefusalReason.CRASHED, RefusalReason.TOO_MUCH_MEMORY})


def _crashed(code: int) -> UnreadableError:
    return UnreadableError(
        RefusalReason.CRASHED, "ended the process that read it", detail=f"exit code {code}"
    )


def _file_text(answer: dict[str, Any]) -> FileText:
    parts = (Part(**{**part, "numbers": tuple(part["numbers"])}) for part in answer["parts"])
    return FileText(kind=Kind(answer["kind"]), title=answer["title"], parts=tuple(parts))
