"""What the fuzz run calls that reads or writes files: saved pools, settings, the readers.

Files are made in a folder of their own that goes with the call.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.fuzz_core import Call, Problems, calling
from benchmarks.fuzz_values import CallersError, Draw
from mba_integrations import MemoryBudgetAllocator, MemoryBudgetConfigLoader, MemoryPool
from mba_integrations.ingest.chunking import chunks
from mba_integrations.ingest.folder import read_folder
from mba_integrations.ingest.git import read_history
from mba_integrations.ingest.json_lines import item_from_mapping, read_json_lines
from mba_integrations.ingest.messages import items_from_messages, read_messages


def saved_pool(draw: Draw) -> Call:
    """A pool saved and loaded, from odd paths and from damaged files."""
    items, path = draw.items(distinct=True), draw.perhaps("pool", 0.3)
    damage = draw.random.random() if draw.chance(0.5) else None

    def run() -> Problems:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder, path) if isinstance(path, str) and "/" not in path else path
            if isinstance(path, (int, bytes)):  # a descriptor or a path outside of the folder
                return
            MemoryPool.from_items(items).save(place)
            if damage is not None:
                _damage(Path(place), damage)
            loaded = MemoryPool.load(place)
            if damage is None and [one.id for one in loaded] != [one.id for one in items]:
                yield "a loaded pool has other items"

    return Call(run, {"items": items, "path": path, "damage": damage})


def _damage(folder: Path, where: float) -> None:
    """Change one byte of one file, or cut it off there."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    file = files[int(where * len(files))]
    data = bytearray(file.read_bytes())
    place = int(where * 7919) % max(1, len(data))
    cut = int(where * 104729) % 2
    file.write_bytes(data[:place] + (b"" if cut else b"\xff") + (b"" if cut else data[place + 1 :]))


def yaml_file(draw: Draw) -> Call:
    """A settings file of odd text: read, checked and written."""
    text = MemoryBudgetConfigLoader.shipped_path().read_text(encoding="utf-8")
    lines = text.splitlines()
    for _ in range(draw.random.randint(1, 4)):
        place = draw.random.randrange(len(lines))
        odd = draw.one(
            [
                draw.text()[:200],
                "a: *x",
                "<<: &x {a: *x}",
                "? [1]",
                "- - -",
                "\t",
                "!!python/object:os.system x",
                f"  budget: {draw.number()!r}"[:500],
                lines[draw.random.randrange(len(lines))],
            ]
        )
        lines[place] = odd if draw.chance(0.5) else lines[place].split(":")[0] + f": {odd}"
    data = "\n".join(lines[: draw.random.randint(1, len(lines))]).encode("utf-8", "surrogatepass")
    read = draw.one(["load_from_yaml", "validate", "load_all", "from_yaml", "load_workspace"])

    def run() -> Problems:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "settings.yaml")
            path.write_bytes(data)
            if read == "from_yaml":
                MemoryBudgetAllocator.from_yaml(path, token_counter=len, reload=True)
            elif read == "load_workspace":
                MemoryBudgetConfigLoader.load_workspace(path, "research")
            else:
                getattr(MemoryBudgetConfigLoader, read)(path)
        return iter(())

    return Call(run, {"data": data, "read": read})


def reader(draw: Draw) -> Call:
    """The readers of files, from bytes of any kind."""
    rows = [_as_json(_row(draw)) for _ in range(draw.random.randint(0, 5))]
    shown = f"[{','.join(rows)}]" if draw.chance(0.5) else "\n".join(rows)
    data = shown.encode("utf-8", "surrogatepass")
    if draw.chance(0.2):
        broken = (b"\xff\xfe" + data, data[: len(data) // 2], b"[" * 200_000, b'{"a":' * 9000)
        data = draw.one([*broken, b"9" * 5000])
    read: Any = draw.one([read_json_lines, read_messages])

    def run() -> Problems:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "file.json")
            path.write_bytes(data)
            read(path)
        return iter(())

    return Call(run, {"data": data, "read": read})


def _row(draw: Draw) -> Any:
    """An item or a message, as JSON may hold it."""
    if draw.chance(0.4):
        role = draw.one(["user", "tool", "\ud800", 3])
        return {"role": role, "content": draw.perhaps(draw.text())}
    fields = {**draw.fields(), draw.identifier(): draw.number()}
    if draw.chance(0.7):
        fields = {name: fields[name] for name in ("id", "content", "tier")}
    return draw.perhaps(fields)


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value, default=repr, skipkeys=True)
    except (CallersError, ValueError):
        return json.dumps(repr(value))


def parsed(draw: Draw) -> Call:
    """Readers of values that are parsed already."""
    messages = [
        draw.perhaps({"role": draw.one(["user", "assistant", "tool", 3]),
                      "content": draw.perhaps(draw.text(), 0.3), "created_at": draw.time(),
                      "tool_calls": draw.anything() if draw.chance(0.2) else None}, 0.1)
        for _ in range(draw.random.randint(0, 4))
    ]  # fmt: skip
    fields = {name: draw.perhaps(value, 0.3) for name, value in draw.fields().items()}
    calls = [
        calling(item_from_mapping, draw.perhaps(fields)),
        calling(items_from_messages, draw.perhaps(messages, 0.1), source=draw.perhaps("s", 0.1)),
        calling(chunks, draw.text(), path=draw.identifier(), max_chars=draw.count(2000)),
    ]
    return calls[draw.random.randrange(len(calls))]


def folder_reader(draw: Draw) -> Call:
    """Folders with odd files and odd arguments, and a history where there is none."""
    files = {
        f"{place}.{draw.one(['md', 'py', 'bin', 'json'])}": draw.text()
        for place in range(draw.random.randrange(4))
    }
    names = ("max_chars", "max_file_bytes", "max_files", "prefix")
    named = {draw.one(names): draw.perhaps(draw.number(), 0.3)} if draw.chance(0.4) else {}
    where = draw.one([None, None, None, None, "\0", "/nowhere/\ud800", 1.5, []])
    history = draw.chance(0.1)

    def run() -> Problems:
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                Path(folder, name).write_bytes(text.encode("utf-8", "surrogatepass"))
            place: Any = folder if where is None else where
            read_history(place) if history else read_folder(place, **named)
        return iter(())

    return Call(run, {"files": files, **named, "folder": where, "history": history})


TARGETS: Mapping[str, Callable[[Draw], Call]] = {
    "saved pool": saved_pool,
    "settings file": yaml_file,
    "read file": reader,
    "parsed": parsed,
    "read_folder": folder_reader,
}
