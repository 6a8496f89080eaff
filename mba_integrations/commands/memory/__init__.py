"""Commands on memories that stay, one file each: a database, and workspaces in it.

Imports `services`, `arguments`, `printing` and the core. The service itself, and with it
SQLAlchemy, is imported when a database is opened (`database`), so no other command waits for it.
"""
