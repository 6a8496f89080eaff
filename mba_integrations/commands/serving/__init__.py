"""Commands that serve a database to others: `mba serve` and `mba keys`.

What a server needs is imported when one is started, so that no other command waits for it.
"""
