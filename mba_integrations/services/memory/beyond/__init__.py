"""Workspaces that are too large for a pool: candidates from the store, and the job that indexes.

Imports the store and what a recall is asked with. Offers `Sizes`, `candidates_beyond` and the job.
"""
