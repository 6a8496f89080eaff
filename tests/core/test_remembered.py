"""What is remembered of texts, and when it is forgotten."""

from __future__ import annotations

from mba_integrations.core.derived import Remembered

TEXTS = [f"{number} the deploy key rotates" for number in range(9)]


def remembering(most_bytes: int) -> Remembered[list[str]]:
    return Remembered(str.split, lambda words: 100 * len(words), most_bytes)


def test_what_is_remembered_is_made_once() -> None:
    remembered = remembering(10_000)
    assert remembered.of(TEXTS[0]) is remembered.of(TEXTS[0])
    assert remembered.of(TEXTS[0]) == TEXTS[0].split()


def test_the_oldest_goes_when_the_bytes_are_full() -> None:
    remembered = remembering(4 * 700)
    kept = [remembered.of(text) for text in TEXTS]
    assert all(remembered.of(text) is own for text, own in zip(TEXTS[-4:], kept[-4:], strict=True))
    assert remembered.of(TEXTS[0]) is not kept[0]


def test_what_is_beyond_all_bytes_is_not_remembered() -> None:
    remembered = remembering(100)
    assert remembered.of(TEXTS[0]) == remembered.of(TEXTS[0])
    assert remembered.of(TEXTS[0]) is not remembered.of(TEXTS[0])
