"""What stays: memories in a store, and services that remember, recall and forget with it.

Rooms: `store` (tables, transactions, migrations). Imports the core; the core imports none of it.
SQLAlchemy comes with the extra `memory`, psycopg with `postgres`; both load when a store is opened.
"""
