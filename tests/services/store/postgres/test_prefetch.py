"""Words and places of a large workspace on Postgres: as an index of all texts, at every moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pytest
from store_rows import add, read, row

from mba_integrations import MemoryTier
from mba_integrations.core.search.lexical import LexicalIndex
from mba_integrations.services.store.erasure.erasing import erase
from mba_integrations.services.store.erasure.pruning import Horizon, prune
from mba_integrations.services.store.rows.erasures import ErasedKind
from mba_integrations.services.store.rows.memories import MemoryFilter
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements import finding, memories
from mba_integrations.services.store.statements.prefetch import beside, parts
from mba_integrations.services.store.statements.prefetch.parts import Part
from mba_integrations.services.store.statements.prefetch.postings import cut_part
from mba_integrations.services.store.statements.prefetch.words import WordIndex
from mba_integrations.services.store.store import Store
from mba_integrations.services.store.tables.words import word_posting

pytestmark = pytest.mark.parametrize("store", ["postgres"], indirect=True)
ANY = MemoryFilter()
WORDS = ("boat", "river", "harbour", "Kate", "winter", "engine", "sails", "repair", "Häuser")


@pytest.fixture
def store(empty_postgres: str, postgres_store: Store, clock: object) -> Store:
    """The worker's store with the workspaces `kate` and `tom`."""
    from mba_integrations.services.store.statements import workspaces

    del empty_postgres
    for name in ("kate", "tom"):
        postgres_store.write(name, lambda writing: workspaces.create(writing, settings={}))
    return postgres_store


def texts(count: int, seed: int) -> list[str]:
    """Sentences of a few words, some of them often."""
    draw = np.random.default_rng(seed)
    return [" ".join(draw.choice(WORDS, draw.integers(2, 9))) + f" n{n % 7}" for n in range(count)]


def fill(store: Store, workspace_id: str = "kate", *, count: int = 60, seed: int = 1) -> None:
    rows = [row(f"m{n}", text) for n, text in enumerate(texts(count, seed))]
    add(store, workspace_id, *rows)


def make_part(store: Store, first: int, last: int, number: int, who: str = "kate") -> None:
    """Have the places of a range in a part."""

    def make(writing: Writing) -> None:
        found = parts.texts_between(writing, first, last, limit=1_000)
        places = [seq - first for seq, _, _ in found]
        cut = cut_part(places, [text for _, text, _ in found], [terms for *_, terms in found])
        parts.begin(writing)
        parts.add_postings(writing, number, cut.pairs)
        whole = Part(number, first, last, cut.texts, cut.terms, cut.languages)
        parts.put(writing, whole)

    store.write(who, make)


def ranked(store: Store, query: str, who: str = "kate") -> dict[str, float]:
    """Scores by the ids of memories, as the words in the store say."""

    def ask(reading: Reading) -> dict[str, float]:
        index = WordIndex.of(reading)
        hits = index.search([index.terms_of(query)], most=1_000).ranked[0]
        places, scores = hits.places.tolist(), hits.scores.tolist()
        alive = set(beside.among_places(reading, places, ANY))
        by_place = {one.added_seq: one.memory_id for one in finding.current(reading)}
        found = zip(places, scores, strict=True)
        return {by_place[place]: score for place, score in found if place in alive}

    return read(store, who, ask)


def expected(store: Store, query: str, who: str = "kate") -> dict[str, float]:
    """The same by an index of all texts."""
    rows = read(store, who, finding.current)
    scores = LexicalIndex.build([one.content for one in rows]).scores(query).tolist()
    return {one.memory_id: score for one, score in zip(rows, scores, strict=True) if score > 0}


@pytest.mark.parametrize(
    "made",
    [
        pytest.param([], id="no-part"),
        pytest.param([(1, 60)], id="one-part-of-all"),
        pytest.param([(1, 25), (26, 60)], id="two-parts"),
        pytest.param([(1, 40)], id="a-part-and-a-tail"),
        pytest.param([(10, 20), (31, 50)], id="parts-with-gaps"),
    ],
)
def test_words_rank_as_an_index_of_all_texts_does(
    store: Store, made: Sequence[tuple[int, int]]
) -> None:
    fill(store)
    for number, (first, last) in enumerate(made, 1):
        make_part(store, first, last, number)
    for query in ("Kate's boats in winter", "engines repaired", "nothing of that", "n3 haus"):
        assert ranked(store, query) == pytest.approx(expected(store, query), rel=1e-4)


def rewritten(writing: Writing) -> None:
    one = finding.get(writing, "m5")
    memories.rewrite(writing, [row("m5", "A lighthouse.", tier=one.tier)])


def replaced(writing: Writing) -> None:
    memories.supersede(writing, {"m5": row("new", "A lighthouse.")})


CHANGES: dict[str, Callable[[Writing], object]] = {
    "added": lambda writing: memories.add(writing, [row("new", "A lighthouse and a boat.")]),
    "rewritten": rewritten,
    "superseded": replaced,
    "forgotten": lambda writing: memories.forget(writing, ["m5", "m6"]),
    "back-from-before": lambda writing: memories.restore(writing, ["m7"]),
    "erased": lambda writing: erase(writing, "e1", ErasedKind.MEMORY, ["m5"]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_found_in_the_transaction_that_makes_it(
    store: Store, change: Callable[[Writing], object]
) -> None:
    fill(store)
    store.write("kate", lambda writing: memories.forget(writing, ["m7"]))
    make_part(store, 1, 30, 1)
    make_part(store, 31, 60, 2)
    store.write("kate", change)
    for query in ("lighthouse", "Kate's boats in winter"):
        assert ranked(store, query).keys() == expected(store, query).keys()


def kept_terms(store: Store, who: str = "kate") -> set[str]:
    return read(
        store,
        who,
        lambda reading: set(
            reading.execute(reading.select(word_posting, word_posting.c.term)).scalars()
        ),
    )


def erased(store: Store) -> None:
    store.write("kate", lambda writing: erase(writing, "e1", ErasedKind.MEMORY, ["secret"]))


def pruned(store: Store) -> None:
    store.write("kate", lambda writing: memories.forget(writing, ["secret"]))
    at = store.clock()
    later = at.replace(year=at.year + 1)
    store.write("kate", lambda writing: prune(writing, Horizon(forgotten=later)))


@pytest.mark.parametrize("leave", [erased, pruned])
def test_no_word_of_a_text_outlives_it(store: Store, leave: Callable[[Store], None]) -> None:
    fill(store)
    add(store, "kate", row("secret", "The password is xylophone."))
    make_part(store, 1, 61, 1)
    assert "xylophon" in kept_terms(store)
    leave(store)
    assert "xylophon" not in kept_terms(store)


def test_postings_of_a_part_that_was_never_put_count_for_nothing_and_go(store: Store) -> None:
    fill(store)
    make_part(store, 1, 30, 1)
    cut = cut_part([0], ["zeppelin"], [None])
    store.write("kate", lambda writing: parts.add_postings(writing, 2, cut.pairs))
    assert ranked(store, "zeppelin") == {}
    store.write("kate", parts.drop_unfinished)
    assert "zeppelin" not in kept_terms(store)
    assert "boat" in kept_terms(store)


def test_words_of_another_workspace_are_neither_found_nor_counted(store: Store) -> None:
    fill(store)
    fill(store, "tom", seed=2)
    add(store, "tom", row("his", "A zeppelin of his own."))
    make_part(store, 1, 60, 1)
    make_part(store, 1, 61, 1, "tom")
    assert ranked(store, "zeppelin") == {}
    assert ranked(store, "zeppelin", "tom").keys() == {"his"}
    assert ranked(store, "Kate's boats") == pytest.approx(expected(store, "Kate's boats"), 1e-5)


def test_the_fences_hide_words_of_a_workspace_that_is_not_named(store: Store) -> None:
    fill(store, "tom")
    make_part(store, 1, 60, 1, "tom")
    with store.read("kate") as reading:
        for table in ("word_part", "word_posting"):
            found = reading.connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            assert found == 0


def places_of(store: Store, ids: Sequence[str]) -> set[int]:
    rows = read(store, "kate", lambda reading: finding.find(reading, ids))
    return {one.added_seq for one in rows.values()}


def test_pins_instructions_and_the_newest_are_always_candidates(store: Store) -> None:
    working = MemoryTier.WORKING
    add(store, "kate", row("pinned", pinned=True), row("rule", importance=0.9))
    add(store, "kate", *(row(f"said{n}", tier=working) for n in range(4)))
    add(store, "kate", *(f"m{n}" for n in range(30)))
    found = read(store, "kate", lambda reading: beside.always(reading, ANY, most=2))
    assert set(found) == places_of(store, ["pinned", "rule", "said2", "said3", "m28", "m29"])


def test_neighbours_stand_around_in_the_source_by_position_or_arrival(store: Store) -> None:
    add(store, "kate", *(row(f"p{n}", source="book", position=9.0 - n) for n in range(9)))
    add(store, "kate", *(row(f"a{n}", source="talk") for n in range(9)))
    add(store, "kate", *(row(f"b{n}", source="other", position=float(n)) for n in range(9)))
    for middle, near in (("p4", ["p3", "p5"]), ("a0", ["a1"])):
        places = sorted(places_of(store, [middle]))
        find = partial(beside.around, places=places, wanted=ANY, steps=1)
        found = read(store, "kate", find)
        assert set(found) == places_of(store, near)


def test_of_a_group_all_members_are_candidates(store: Store) -> None:
    add(store, "kate", *(row(f"m{n}", group="g" if n % 3 == 0 else None) for n in range(9)))
    some = sorted(places_of(store, ["m3", "m4"]))
    found = read(store, "kate", lambda reading: beside.whole_groups(reading, some, ANY))
    assert set(found) == places_of(store, ["m0", "m3", "m6"])


def test_few_are_given_whole_and_more_are_not(store: Store) -> None:
    add(store, "kate", *(row(f"m{n}", source="book") for n in range(3)), "other")
    wanted = MemoryFilter(sources=frozenset({"book"}))
    asked = [read(store, "kate", partial(beside.few, wanted=wanted, most=most)) for most in (3, 2)]
    assert asked == [[1, 2, 3], None]
