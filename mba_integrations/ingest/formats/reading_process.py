"""The process that reads files of others: a request on standard input, an answer on the output.

    {"path": "a.pdf", "size": 3, "limits": {...}}\n    3 bytes    ->    {"kind": "pdf", ...}\n

Everything is JSON, so whoever takes this process over can say something wrong and run nothing. It
holds itself to an address space, and to a time in case whoever started it is gone. Libraries are
imported when the first file of a format comes; numpy, which reserves memory for each core, never.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from typing import Any

from mba_integrations.ingest.formats.kinds import Kind, kind_of
from mba_integrations.ingest.formats.limits import Limits
from mba_integrations.ingest.formats.parts import FileText
from mba_integrations.ingest.formats.refusing import RefusalReason, UnreadableError, broken

_READERS = {
    Kind.CSV: ("sheets", "read_csv"),
    Kind.DOCX: ("office.reading", "read_package"),
    Kind.HTML: ("html", "read_html"),
    Kind.NOTEBOOK: ("notebook", "read_notebook"),
    Kind.PDF: ("pdf", "read_pdf"),
}
_ORPHAN_SECONDS = 5.0
"""The starter ends this process at the limit; if it is gone, the alarm does, so much later."""
_CLEAN = {0: None, 0xB: "\n", 0xC: "\n"}


def read_file(data: bytes, path: str, limits: Limits) -> FileText:
    """The text of a file that is not plain text, here and now.

    Raises:
        UnreadableError: If it cannot be read within the limits.
    """
    kind = kind_of(data, path)
    module, name = _READERS[kind]
    try:
        reader: Callable[[bytes, Limits], FileText] = getattr(
            import_module(f"mba_integrations.ingest.formats.{module}"), name
        )
        return reader(data, limits)
    except ImportError as error:
        raise UnreadableError(
            RefusalReason.MISSING_EXTRA,
            "of a format that needs pip install 'mba-integrations[documents]'",
            detail=f"no {error.name}",
        ) from None
    except RecursionError:
        raise broken(f"{kind} file", "nested too deeply") from None


def main() -> None:
    """Answer requests until there are no more."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # What a library prints is no answer.
    os.dup2(2, 1)
    for header in requests:
        request = json.loads(header)
        limits = Limits(**request["limits"])
        _hold(limits)
        answer = _answer(requests.read(request["size"]), request["path"], limits)
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def _answer(data: bytes, path: str, limits: Limits) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = _cleaned(asdict(read_file(data, path, limits)))
        return answer
    except UnreadableError as error:
        return {"reason": error.reason, "message": str(error), "detail": error.detail}
    except MemoryError:
        return {"reason": RefusalReason.TOO_MUCH_MEMORY}
    except Exception as error:  # A file that a reader stumbles over is broken, whatever it raised.
        wrong = broken("file of its format", f"{type(error).__name__}: {error}")
        return {"reason": wrong.reason, "message": str(wrong), "detail": wrong.detail}


def _hold(limits: Limits) -> None:
    """Limit memory, and time in case nobody else does; neither exists on Windows."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (int(limits.memory_bytes), resource.RLIM_INFINITY))
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, limits.seconds + _ORPHAN_SECONDS)


def _cleaned(value: Any) -> Any:
    """Text that every database and encoder takes: no NUL, no half of a surrogate pair."""
    if isinstance(value, str):
        return value.translate(_CLEAN).encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _cleaned(one) for key, one in value.items()}
    return [_cleaned(one) for one in value] if isinstance(value, (list, tuple)) else value


if __name__ == "__main__":
    main()
