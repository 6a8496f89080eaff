"""What stays while the rows of a list come and go.

Imports arrays. Offers the map from the rows of one list to those of the list before (`row_map`),
columns that are listed with how they are built and changed (`column`), numbers that a row keeps
(`slots`), names as numbers (`codes`), and matrices that rows can be added to (`vector_rows`).

Every column, here and in the rooms above, follows one rule. It is built from items; `changed(items,
rows)`, or `changed(rows)` where it reads no item, gives the column of another list, of which *rows*
says what its rows were here; only rows that are fresh are read; and the result equals the column
built anew from those items, in values and in the order of whatever it numbers. Nothing is changed
in place that an earlier list can see, so the columns of an earlier list stay right, and many
threads may read them.

What numbers things shares its storage with what came before: the newest of a line grows it, and
what is older sees only the part that was there. A second one that grows from the same place, a
branch, gets a copy.
"""
