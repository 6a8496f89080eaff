"""What holds the messages of a conversation together, by their roles and ids alone.

Imports nothing of the package. Offers `Role`, `role_named`, `Round`, `Exchange`, `exchanges_of`,
`sending_order`, `callers`. What messages cost and which of them are sent is decided by
`conversation`, which builds on this room.
"""
