"""The files of the page: read once, sent whole or gzipped, and not sent again to who has them."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response

STATIC = Path(__file__).parent / "static"
_INDEX = "index.html"
# The machine's own table of types may call a module text/plain, which browsers do not run.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
_OTHER = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A file.

    Attributes:
        body: Its bytes.
        gzipped: They, gzipped.
        media_type: What it is.
        etag: Of these bytes, in either form.
    """

    body: bytes
    gzipped: bytes
    media_type: str
    etag: str

    @classmethod
    def read(cls, path: Path) -> Page:
        """The file at a path."""
        body = path.read_bytes()
        return cls(
            body=body,
            gzipped=gzip.compress(body, mtime=0),
            media_type=_TYPES.get(path.suffix, _OTHER),
            etag=f'W/"{hashlib.sha256(body).hexdigest()[:32]}"',
        )


class Pages:
    """All files of a folder.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path = STATIC) -> None:
        self._folder = folder

    @cached_property
    def _pages(self) -> Mapping[str, Page]:
        files = (one for one in self._folder.rglob("*") if one.is_file())
        return {one.relative_to(self._folder).as_posix(): Page.read(one) for one in files}

    def answer(self, name: str, headers: Headers) -> Response | None:
        """What is sent for a name below the page; None where there is no such file."""
        page = self._pages.get(name or _INDEX)
        if page is None:
            return None
        said = {"ETag": page.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if page.etag in headers.get("if-none-match", ""):
            return Response(status_code=304, headers=said)
        if "gzip" in headers.get("accept-encoding", ""):
            said["Content-Encoding"] = "gzip"
            return Response(page.gzipped, headers=said, media_type=page.media_type)
        return Response(page.body, headers=said, media_type=page.media_type)
