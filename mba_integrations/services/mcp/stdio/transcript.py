"""The end of a conversation as coding agents write it down: one JSON object a line.

    {"type": "user", "message": {"role": "user", "content": "Deploy?"}}                  Claude Code
    {"payload": {"role": "assistant", "content": [{"type": "output_text", "text": ...}]}}     Codex

What neither the user nor the assistant says (calls of tools, their results) is passed over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_READ_BYTES = 512 * 1024
_MOST_CHARACTERS = 4_000
_ROLES = {"user": "User", "assistant": "Assistant"}
ANSWER = f"{_ROLES['assistant']}: "
"""How what the assistant says begins."""
_TEXTS = ("text", "input_text", "output_text")


def end_of(path: Path, *, most: int) -> list[str]:
    """The last things said, `User: ...` and `Assistant: ...`, the earliest first."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _READ_BYTES))
        lines = file.read().splitlines()
    if size > _READ_BYTES:
        del lines[0]  # its beginning was not read
    said: list[str] = []
    for line in reversed(lines):
        said += _said(line)
        if len(said) >= most:
            break
    return said[:most][::-1]


def _said(line: bytes) -> Iterator[str]:
    try:
        entry = json.loads(line)
    except ValueError:
        return
    if not isinstance(entry, dict):
        return
    inner = next((entry[key] for key in ("message", "payload") if key in entry), entry)
    if not isinstance(inner, dict):
        return
    speaker = _ROLES.get(str(inner.get("role")))
    text = "" if speaker is None else _text_of(inner.get("content"))
    if text:
        yield f"{speaker}: {text[:_MOST_CHARACTERS]}"


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content.strip()
    if not isinstance(content, list):
        return ""
    blocks = [one for one in content if isinstance(one, dict) and one.get("type") in _TEXTS]
    return "\n".join(str(one.get("text", "")) for one in blocks).strip()
