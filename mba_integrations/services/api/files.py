"""Files on the server that live as long as a request: an import, a copy of the store; backups."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse

BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
FILE_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/octet-stream": BINARY}}
}
"""What the description says of a route whose body is a file."""


def sent_file(make: Callable[[Path], None], name: str, media_type: str) -> FileResponse:
    """A file that is made, sent and deleted. Of what cannot be made nothing is sent."""
    path = _new_file()
    try:
        make(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return FileResponse(
        path,
        media_type=media_type,
        filename=name,
        background=BackgroundTask(path.unlink, missing_ok=True),
    )


@contextmanager
def received_file() -> Iterator[Path]:
    """A file for a body, deleted in the end."""
    path = _new_file()
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


async def receive_into(path: Path, request: Request) -> None:
    """Write a body to a file, as it comes."""
    async with await anyio.open_file(path, "wb") as file:
        async for part in request.stream():
            await file.write(part)


def is_whole(backup: Path) -> bool:
    """Whether a backup was made to its end; what is left of one that was not is deleted.

    Its name is taken at once, and gets its bytes at last.
    """
    if backup.exists() and backup.stat().st_size:
        return True
    for left in (backup, backup.with_name(f"{backup.name}.part")):
        left.unlink(missing_ok=True)
    return False


def _new_file() -> Path:
    """An empty file that only this user may read."""
    descriptor, name = tempfile.mkstemp(prefix="mba-")
    os.close(descriptor)
    return Path(name)
