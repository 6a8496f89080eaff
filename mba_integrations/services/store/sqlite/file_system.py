"""Whether a path lies on a network file system, where SQLite's WAL does not work.

Its index is memory that all processes share, which two machines cannot. Known on Linux from the
table of mounts, on Windows from names of shares; elsewhere nothing is found.
"""

from __future__ import annotations

import sys
from pathlib import Path

_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse", "glusterfs"}
_MOUNTS = Path("/proc/self/mounts")


def network_file_system(path: Path) -> str | None:
    """Name of the network file system that *path* lies on; None for a disk of this machine."""
    if sys.platform == "win32":
        return "a network share" if path.drive.startswith("\\\\") else None
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    kind = kind_of_mount(mounts, str(path.resolve()))
    return kind if kind is not None and kind.split(".")[0] in _NETWORK else None


def kind_of_mount(mounts: str, path: str) -> str | None:
    """Kind of the innermost mount that holds *path*.

    >>> kind_of_mount("a / ext4 rw 0 0\\nb /data nfs4 rw 0 0\\n", "/data/memory.db")
    'nfs4'
    """
    best, kind = -1, None
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        place = fields[1].replace("\\040", " ").rstrip("/")
        if (path == place or path.startswith(place + "/")) and len(place) >= best:
            best, kind = len(place), fields[2]
    return kind
