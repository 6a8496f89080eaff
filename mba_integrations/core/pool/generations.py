"""The folder of a saved pool: files that are switched from one generation to the next in one step.

```text
pool.json                 the manifest: which generation holds, with size and check sum of each file
pool.lock                 held while one process saves
generations/7-3f2a91c0/   the files of the generation that holds
generations/6-b01d44e7/   those of the one before, which a reader may still be opening
```

A save writes a new generation, syncs it to disk, and then replaces the manifest, which is atomic.
An error, an interrupt or `kill -9` at any moment leaves the manifest of before or the new one, and
both name a whole generation. What a save that died left behind goes with the next save. Savers wait
for each other; readers wait for nobody: one whose generation is gone reads the manifest again.

Only files of this form are ever removed. Pools of earlier releases, whose files stand beside
`pool.json`, are read, and become this form when they are saved.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from mba_integrations.core.errors import PoolError

FORMAT = "mba-memory-pool"
SCHEMA_VERSION = 4  # 1 had no columns, 2 had no generations, 3 had no scores of retrievers
_FIRST_WITH_SUM = 3

_MANIFEST = "pool.json"
_GENERATIONS = "generations"
_GENERATION = re.compile(r"[0-9]+-[0-9a-f]{8}")
_SCRATCH = re.compile(r"new-[0-9]+-[0-9]+")
_EARLIER_FILE = re.compile(
    r"items\.jsonl|vectors\.npy|tokens-[0-9]+\.npy|(postings|lexical)-[a-z_]+\.(npy|txt)"
)
_CHUNK_BYTES = 1 << 20
_TRIES = 20  # a reader is overtaken by two saves as often as this only where something is wrong
_LOCK_SECONDS = 60.0

T = TypeVar("T")
Manifest = dict[str, Any]

if sys.platform == "win32":

    def _lock(descriptor: int) -> None:
        """Windows has no such lock; two savers at the same time are not kept apart."""

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        """Wait for the lock, which closing the file releases; some file systems have none."""
        end = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
            except OSError:
                return None


def write_generation(target: Path, fill: Callable[[Path], Manifest]) -> None:
    """Make what *fill* writes the content of the folder, in place of the content before.

    Args:
        target: The folder; made if there is none. A symbolic link is followed.
        fill: Writes files into an empty folder and returns what the manifest says of them.

    Raises:
        PoolError: If the folder holds something else.
        OSError: If it cannot be written, or another process saves to it for a minute.
    """
    folder = Path(os.path.realpath(target))
    _refuse_foreign(folder)
    folder.mkdir(parents=True, exist_ok=True)
    generations = folder / _GENERATIONS
    if generations.is_symlink():
        raise PoolError(f"{generations} is a symbolic link. Replace it by a folder.")
    with _locked(folder):
        before = _refuse_foreign(folder)
        generations.mkdir(exist_ok=True)
        scratch = generations / f"new-{os.getpid()}-{threading.get_ident()}"
        try:
            _remove(scratch)
            scratch.mkdir()
            manifest = _filled(scratch, fill, before)
            _remove(generations / manifest["generation"])
            scratch.rename(generations / manifest["generation"])
            _switch(folder, manifest)
        finally:
            _remove(scratch)
        _remove_old(folder, manifest, before)


def read_generation(target: Path, load: Callable[[Path, Manifest], T]) -> T:
    """What *load* makes of the folder's files and manifest, once their check sums are right.

    Raises:
        PoolError: If the folder is not a saved pool, or of a newer version.
        OSError, ValueError: If a file is missing or is not what was saved.
    """
    manifest = _manifest(target)
    for _ in range(_TRIES):
        name = manifest.get("generation")
        folder = target if name is None else target / _GENERATIONS / name
        try:
            _verify(folder, manifest)
            return load(folder, manifest)
        except FileNotFoundError:
            latest = _manifest(target)
            if latest == manifest:
                raise
            manifest = latest
    raise FileNotFoundError(f"{target} is saved anew faster than it can be read")


def check_sum(path: Path) -> int:
    """CRC-32 of a file."""
    found = 0
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            found = zlib.crc32(chunk, found)
    return found


def _filled(scratch: Path, fill: Callable[[Path], Manifest], before: Manifest | None) -> Manifest:
    """The manifest of the files that *fill* writes, which are on the disk after this."""
    manifest = {"format": FORMAT, "schema_version": SCHEMA_VERSION, **fill(scratch)}
    written = sorted(scratch.iterdir())
    manifest["files"] = {path.name: [path.stat().st_size, check_sum(path)] for path in written}
    for path in [*written, scratch]:
        _sync(path)
    latest = (before or {}).get("generation") or "0-"
    manifest["generation"] = f"{int(latest.partition('-')[0]) + 1}-{_manifest_sum(manifest):08x}"
    return {**manifest, "crc32": _manifest_sum(manifest)}


def _switch(folder: Path, manifest: Manifest) -> None:
    _sync(folder / _GENERATIONS)
    fresh = folder / f"{_MANIFEST}.new"
    fresh.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    _sync(fresh)
    os.replace(fresh, folder / _MANIFEST)  # before this the old content holds, after it the new
    _sync(folder)
    _sync(folder.parent)


def _remove_old(folder: Path, manifest: Manifest, before: Manifest | None) -> None:
    """Remove what neither a reader of now nor one of the content before looks for."""
    kept = {manifest["generation"], (before or {}).get("generation")}
    for path in (folder / _GENERATIONS).iterdir():
        ours = _GENERATION.fullmatch(path.name) or _SCRATCH.fullmatch(path.name)
        if ours and path.name not in kept:
            _remove(path)
    if before is not None and before.get("generation") is None:
        for path in folder.iterdir():
            if _EARLIER_FILE.fullmatch(path.name) and not path.is_symlink():
                with suppress(OSError):
                    path.unlink()


def _remove(path: Path) -> None:
    """Remove a generation as far as possible; what stays is in nobody's way."""
    shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / "pool.lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _refuse_foreign(folder: Path) -> Manifest | None:
    """The manifest of a pool; None for a folder that is not there or empty."""
    if not folder.exists() or (folder.is_dir() and _is_empty(folder)):
        return None
    try:
        return _manifest(folder)
    except PoolError as error:
        raise PoolError(
            f"{folder} exists and is not a saved pool. Choose another folder. ({error})"
        ) from error


def _is_empty(folder: Path) -> bool:
    """Whether it holds nothing but what a first save that died has left."""
    left = {"pool.lock", _GENERATIONS, f"{_MANIFEST}.new"}
    return all(path.name in left for path in folder.iterdir())


def _manifest(folder: Path) -> Manifest:
    """The manifest.

    Raises:
        PoolError: If there is none, it is damaged, or it is of a newer version.
    """
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        known, version = manifest["format"] == FORMAT, int(manifest["schema_version"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise PoolError(f"{folder} is not a saved pool: {error}") from error
    if not known:
        raise PoolError(f"{folder} is not a saved pool: its format is {manifest['format']!r}.")
    if version > SCHEMA_VERSION:
        raise PoolError(
            f"the pool in {folder} has schema version {version}, this release reads up to "
            f"{SCHEMA_VERSION}. Upgrade mba-integrations."
        )
    if version >= _FIRST_WITH_SUM and manifest.pop("crc32", None) != _manifest_sum(manifest):
        raise PoolError(f"the pool in {folder} is damaged: {_MANIFEST} is not what was saved.")
    return dict(manifest)


def _manifest_sum(manifest: Manifest) -> int:
    return zlib.crc32(json.dumps(manifest, sort_keys=True).encode())


def _verify(folder: Path, manifest: Manifest) -> None:
    """Refuse files that are not what was saved; those of earlier releases have no such sums.

    Raises:
        OSError, ValueError: If a file is missing or another.
    """
    for name, (size, expected) in manifest.get("files", {}).items():
        path = folder / name
        if path.stat().st_size != size or check_sum(path) != expected:
            raise ValueError(f"{name} is not what was saved")


def _sync(path: Path) -> None:
    """Have a file, or the entries of a folder, on the disk."""
    flags = os.O_RDONLY if path.is_dir() or sys.platform != "win32" else os.O_RDWR
    with suppress(PermissionError):  # Windows opens no folder
        descriptor = os.open(path, flags)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
