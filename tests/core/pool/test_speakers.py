"""Who says each item: from metadata, or from how the items of its source begin."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.snapshot import PoolSnapshot

TALKS = ("Kate: hi", "Ben: hello", "Ann: no", "Note: once", "no name here", "Oslo: a city")


@st.composite
def said_items(draw: st.DrawFn) -> list[MemoryItem]:
    size = draw(st.integers(0, 14))
    return [
        MemoryItem(
            str(row),
            draw(st.sampled_from(TALKS)),
            "rag",
            source=draw(st.sampled_from([None, "s"])),
            metadata=draw(st.sampled_from([{}, {}, {}, {"speaker": "Kate"}, {"role": "user"}])),
        )
        for row in range(size)
    ]


def slow_speakers(items: list[MemoryItem]) -> list[str | None]:
    """Who says each item, item by item."""
    result: list[str | None] = []
    for item in items:
        given_name = item.metadata.get("speaker") or item.metadata.get("role")
        others = [o for o in items if o.source == item.source and not o.metadata]
        begin = [o.content.split(":")[0] for o in others if ":" in o.content]
        names = len(set(begin))
        is_talk = len(begin) >= 0.8 * len(others) and names <= 12 and len(begin) >= 2 * names
        begins = ":" in item.content and is_talk
        result.append(given_name or (item.content.split(":")[0] if begins else None))
    return result


@settings(max_examples=150)
@given(items=said_items())
def test_speakers_are_those_of_a_plain_loop(items: list[MemoryItem]) -> None:
    snapshot = PoolSnapshot(items)
    speakers = snapshot.speakers
    found = [None if code < 0 else speakers.names[code] for code in speakers.codes]
    expected = slow_speakers(items)
    assert found == expected
    assert list(speakers.names) == [*dict.fromkeys(name for name in expected if name)]
    said = [name for name in expected if name]
    often = [name for name in speakers.names if said.count(name) >= 0.05 * len(said)]
    assert list(speakers.frequent) == often


def test_a_glossary_has_no_speakers() -> None:
    words = ("Ant", "Bee", "Cat", "Dog", "Eel")
    items = [MemoryItem(word, f"{word}: an animal.", "rag") for word in words]
    assert PoolSnapshot(items).speakers.names == ()


def test_a_name_of_few_turns_is_not_frequent() -> None:
    names = ["Kate"] * 60 + ["Ben"] * 59 + ["Ann"]
    items = [
        MemoryItem(str(row), "hi", "rag", metadata={"speaker": name})
        for row, name in enumerate(names)
    ]
    assert PoolSnapshot(items).speakers.frequent == ("Kate", "Ben")
