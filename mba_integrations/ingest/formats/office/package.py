"""The zip that holds an Office file: its limits, its parts, their relations.

What the zip says of itself is held against the limits before anything is unpacked; zipfile unpacks
no more of a part than the zip says. Parts are found by their relations, never by a path on disk.
Names of elements are compared without their namespaces, of which there are two sets. A part with a
DTD, where entities multiply, is refused: Office writes none.
"""

from __future__ import annotations

import posixpath
import zipfile
from io import BytesIO
from typing import Any

from mba_integrations.ingest.formats.limits import Limits
from mba_integrations.ingest.formats.refusing import (
    RefusalReason,
    UnreadableError,
    broken,
    check_count,
)

_BOMB_RATIO = 200
"""XML of Office shrinks to a tenth, tables of zeros to a hundredth; bombs to a thousandth."""
_BOMB_FROM_BYTES = 20_000_000
_MOST_PARTS = 50_000
_IS_ENCRYPTED = 0x1
_OPEN_DOCUMENT_SHEET = b"application/vnd.oasis.opendocument.spreadsheet"


class Package:
    """An opened zip.

    Raises:
        UnreadableError: If it is encrypted, a bomb, or no zip.
    """

    def __init__(self, data: bytes, limits: Limits) -> None:
        try:
            self._zip = zipfile.ZipFile(BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise broken("zip", error) from None
        entries = self._zip.infolist()
        check_count(len(entries), _MOST_PARTS, "parts in the zip")
        if any(entry.flag_bits & _IS_ENCRYPTED for entry in entries):
            raise UnreadableError(RefusalReason.ENCRYPTED, "encrypted")
        unpacked = sum(entry.file_size for entry in entries)
        suspicious = unpacked > max(_BOMB_FROM_BYTES, _BOMB_RATIO * len(data))
        if suspicious or unpacked > limits.unpacked_bytes:
            raise UnreadableError(
                RefusalReason.BOMB,
                "unpacks to too much",
                detail=f"{len(data):,} bytes to {unpacked:,}",
            )
        self._names = {entry.filename for entry in entries}

    def main(self) -> str:
        """The part that the package is about; empty if it is no Office file."""
        relations = self.relations("").values()
        return next((to for kind, to in relations if kind == "officeDocument"), "")

    def is_open_document_sheet(self) -> bool:
        """Whether it says that it is an ODS file."""
        return "mimetype" in self._names and self._zip.read("mimetype") == _OPEN_DOCUMENT_SHEET

    def xml(self, name: str) -> Any:
        """The root element of a part; None if there is no such part."""
        from lxml import etree

        if name not in self._names:
            return None
        try:
            parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
            root = etree.fromstring(self._zip.read(name), parser)
        except MemoryError:
            raise
        except Exception as error:  # zipfile passes on what zlib, lzma and bz2 raise
            raise broken("Office file", f"{name}: {error}") from None
        if root.getroottree().docinfo.internalDTD is not None:
            raise UnreadableError(
                RefusalReason.BOMB, "with a DTD in its XML, where entities multiply", detail=name
            )
        return root

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Of a part: id of a relation to its kind and the part that it leads to."""
        folder, name = posixpath.split(part)
        root = self.xml(posixpath.join(folder, "_rels", f"{name}.rels"))
        found: dict[str, tuple[str, str]] = {}
        for one in () if root is None else root:
            if one.get("TargetMode") != "External":
                kind = one.get("Type", "").rpartition("/")[2]
                target = posixpath.join("/", folder, one.get("Target", ""))
                found[one.get("Id", "")] = (kind, posixpath.normpath(target).lstrip("/"))
        return found

    def title(self) -> str | None:
        """What the file calls itself."""
        core = self.xml("docProps/core.xml")
        titles = () if core is None else (one.text for one in core if local(one.tag) == "title")
        return next((" ".join(text.split()) for text in titles if text and text.strip()), None)


def local(name: Any) -> str:
    """The name of an element or attribute without its namespace; empty for a comment."""
    return name.rpartition("}")[2] if isinstance(name, str) else ""


def attribute(element: Any, name: str) -> str:
    """The value of an attribute in any namespace; empty if it is not there."""
    return next((value for key, value in element.items() if local(key) == name), "")


def child(element: Any, *path: str) -> Any:
    """The first element along a path of local names; None if there is none."""
    for name in path:
        if element is None:
            break
        element = next((one for one in element if local(one.tag) == name), None)
    return element
