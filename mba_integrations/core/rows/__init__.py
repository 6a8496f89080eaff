"""What stays while the rows of a list come and go.

Imports arrays. Offers the map from the rows of one list to those of the list before (`row_map`),
numbers that a row keeps (`slots`), names as numbers (`codes`), and matrices that rows can be added
to (`vector_rows`).

Whoever keeps a column follows one rule: it is built from items, changed by a `RowMap`, and must
end with what building it anew would give. Nothing is changed in place that an earlier list can
see, so the columns of an earlier list stay right, and many threads may read them.

Three of the four share their storage with what came before: the newest of a line grows it, and
what is older sees only the part that was there. A second one that grows from the same place, a
branch, gets a copy.
"""
