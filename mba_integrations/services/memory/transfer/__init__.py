"""Memories out of the service and into it: its own export, and the files of others.

Pure but for the file that is read or written: what to store, the service decides.
"""
