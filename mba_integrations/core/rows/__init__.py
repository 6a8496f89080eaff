"""What stays while the rows of a list come and go.

Imports arrays. Offers the map from the rows of one list to those of the list before, numbers that
a row keeps, names as numbers, and matrices that rows can be added to. Whoever keeps a column
builds it from items, changes it by a `RowMap`, and must end with what building it anew would give.
"""
