"""Parts of imports that wait: what an erasure erases is taken out of them, record by record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.tables.work import answer

PART = "import-part"
"""What parts have in the place of a request's hash."""


def part_key(job_id: str, place: int) -> str:
    """By what a part is kept."""
    return f"{PART}:{job_id}:{place:06d}"


def clear_parts(writing: Writing, erased: Mapping[str, Collection[str]]) -> int:
    """Take records out with one of these values in one of these fields; gives out of how many."""
    statement = writing.select(answer, answer.c.key, answer.c.response)
    found = writing.execute(statement.where(answer.c.request_hash == PART)).all()
    pairs = [(key, part, _without(part, erased)) for key, part in found]
    cleared = [{"key": key, "response": left} for key, part, left in pairs if left != part]
    writing.update_each(answer, "key", cleared)
    return len(cleared)


def _without(part: Mapping[str, Any], erased: Mapping[str, Collection[str]]) -> dict[str, Any]:
    """Each list of a part without the records that are erased."""
    return {
        name: [one for one in listed if not _is_erased(one, erased)]
        for name, listed in part.items()
    }


def _is_erased(record: Any, erased: Mapping[str, Collection[str]]) -> bool:
    if isinstance(record, str):  # an id of its own
        return record in erased.get("id", ())
    return any(record.get(name) in values for name, values in erased.items())
