"""Work that is done after a call: how jobs are run, here or by a thread, and by whom."""
