"""Keeping a workspace in order by itself, when asked for: on a schedule, with a cap, and undone.

Also what users of a language model may plug in: an extractor of memories from messages, and an
organiser that proposes merges.
"""
