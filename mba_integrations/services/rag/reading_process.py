"""The process that reads files for a sync: files on standard input, documents on the output.

    Work, [FileToRead, ...], ...    ->    [CutDocument | RefusedDocument, ...], ...

It does what the process that writes would do itself, by the same functions, so it is trusted as
that is and answers by pickle. Files of formats other than plain text it gives to a process of its
own, as every `DocumentReader` does. It ends when its input does.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO

from mba_integrations.ingest.documents.reader import DocumentReader
from mba_integrations.ingest.formats.limits import Limits
from mba_integrations.services.rag.files import FileToRead, read_file
from mba_integrations.services.rag.new_document import CutDocument
from mba_integrations.services.rag.syncing import RefusedDocument, cut_or_refused

Answer = CutDocument | RefusedDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What holds for all files.

    Attributes:
        now: The present.
        limits: What a file may take to read.
    """

    now: datetime
    limits: Limits | None


def answered(reader: DocumentReader, files: Sequence[FileToRead], now: datetime) -> list[Answer]:
    """The documents of files, as they are stored, and those that are refused."""
    return [_answer(reader, one, now) for one in files]


def _answer(reader: DocumentReader, one: FileToRead, now: datetime) -> Answer:
    found = read_file(reader, one)
    if isinstance(found, RefusedDocument):
        return found
    cut = cut_or_refused(found, now)
    return cut if isinstance(cut, RefusedDocument) else replace(cut, given=None)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until there are no more."""
    work: Work = pickle.load(requests)
    with DocumentReader(limits=work.limits) as reader:
        while True:
            try:
                files: list[FileToRead] = pickle.load(requests)
            except EOFError:
                return
            answers.write(pickle.dumps(answered(reader, files, work.now)))
            answers.flush()


def main() -> None:
    """Serve the process that started this one."""
    # An interrupt from the keyboard goes to both; the other one ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    # What a library prints is no answer.
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
