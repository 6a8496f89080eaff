"""What holds the messages of a conversation together: by roles and ids, and by their wording.

Imports nothing of the package. Offers `Role`, `role_named`, `Round`, `Exchange`, `exchanges_of`,
`sending_order`, `callers`, and of a question's wording `follow_up_points` and `is_closing`. What
messages cost and which of them are sent is decided by `conversation`, which builds on this room.
"""
