"""Records as files: JSON lines and Parquet, written and read as a stream, whole or seen to be cut.

`pieces` is how any rows become such a file; `written` a record as JSON; `writing` and `reading` the
files of records.
"""
