"""What settings bring of what questions need: figures, and the questions that miss something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from mba_integrations.commands.printing.figures import add_figures, figures_table
from mba_integrations.commands.printing.output import remark, results, write_line
from mba_integrations.commands.printing.tables import titled_table
from mba_integrations.commands.printing.visible import in_one_line, one_line
from mba_integrations.learning.gate.bootstrap import Interval
from mba_integrations.learning.questions.evaluation import Evaluated, Prompted

if TYPE_CHECKING:
    from mba_integrations.services.memory.questions.records import NotThere

_NAMED = 5
_MISSING = 3
_QUERY_CHARS = 60
_TEXT_CHARS = 40


def write_figures(found: Evaluated) -> None:
    """Figures of the settings, and how far they lie apart."""
    settings = {"now": found.now, **({} if found.tried is None else {"tried": found.tried})}
    table = figures_table(_count(len(found.now.prompts), "question"), settings)
    sides = settings.values()
    table.add_row("have all that they need", *(f"{one.whole:,}" for one in sides))
    table.add_row("of what is needed, in prompts", *(f"{one.evidence.value:.1%}" for one in sides))
    table.add_row("  95 % interval", *(_shares(one.evidence) for one in sides))
    add_figures(table, [asdict(one.figures) for one in sides])
    if any(one.figures.unfit for one in sides):
        table.add_row("have no prompt", *(f"{one.figures.unfit:,}" for one in sides))
    results().print(table)
    for interval, what in (
        (found.evidence_points, "points of what is needed"),
        (found.gain, "needed for each 1,000 tokens"),
    ):
        if interval is not None:
            write_line(
                f"{interval.value:+.1f} {what} by what is tried, 95 % interval {interval.low:+.1f} "
                f"to {interval.high:+.1f}"
            )


def missed(found: Evaluated) -> list[tuple[Prompted, ...]]:
    """Prompts of the questions that miss something, of each of the settings; the worst first.

    The worst is what has the least share of what it needs, then what misses the most, under the
    settings that are tried, where some are.
    """
    sides = [found.now, *([] if found.tried is None else [found.tried])]
    rows = zip(*(one.prompts for one in sides), strict=True)
    return sorted(
        (row for row in rows if any(one.missing for one in row)),
        key=lambda row: (row[-1].kept / row[-1].needed, -len(row[-1].missing)),
    )


def missed_table(rows: Sequence[Sequence[Prompted]], total: int, texts: Mapping[str, str]) -> Table:
    """Some of the questions that miss something, a line each, with what they miss and why."""
    hidden = f"; the first {len(rows):,}" if len(rows) < total else ""
    table = titled_table(f"Miss something: {total:,}{hidden}")
    for name in ("now", "tried")[: len(rows[0])]:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("question", overflow="fold", max_width=_QUERY_CHARS)
    table.add_column("missing", overflow="fold")
    for row in rows:
        counts = (f"{one.kept:,} of {one.needed:,}" for one in row)
        query = one_line(row[0].query, max_chars=_QUERY_CHARS)
        cells = (*counts, query, _named(_missing(row), texts))
        table.add_row(*map(Text, cells))
    return table


def named_ids(rows: Sequence[Sequence[Prompted]]) -> list[str]:
    """Ids of the memories that the table of these rows names, each once."""
    return [*dict.fromkeys(one for row in rows for one in list(_missing(row))[:_MISSING])]


def note_not_there(found: Sequence[NotThere]) -> None:
    """Say what is needed and not in the workspace."""
    if not found:
        return
    named = [one for each in found for one in each.named]
    more = f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else ""
    first = ", ".join(in_one_line(repr(one)) for one in named[:_NAMED])
    remark("note", f"not in the workspace, so not counted as needed: {first}{more}")
    unasked = sum(not one.is_asked for one in found)
    if unasked:
        remark("note", f"questions that need nothing else and are left out: {unasked:,}")


def _missing(row: Sequence[Prompted]) -> Mapping[str, str]:
    """What a question misses under what is tried; under the settings of now, if nothing is then."""
    return next(one.missing for one in reversed(row) if one.missing)


def _named(missing: Mapping[str, str], texts: Mapping[str, str]) -> str:
    lines = [
        f"{reason}  {in_one_line(memory_id)}  "
        f"{one_line(texts.get(memory_id, ''), max_chars=_TEXT_CHARS)}".rstrip()
        for memory_id, reason in list(missing.items())[:_MISSING]
    ]
    more = len(missing) - _MISSING
    return "\n".join([*lines, *([f"and {more:,} more"] if more > 0 else [])])


def _shares(interval: Interval) -> str:
    return f"{interval.low:.1%} to {interval.high:.1%}"


def _count(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"
