"""Vectors of memories: which model they are of, and the job that makes what is missing."""
