"""The revisions, each in a file of its number. A file that was released is not changed any more."""
