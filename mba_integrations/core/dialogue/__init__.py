"""What holds the messages of a conversation together: by roles and ids, and by their wording.

Imports nothing of the package. Offers `Role`, `role_named`, `Round`, `Exchange`, `exchanges_of`,
`sending_order`, `callers`; `spoken`, what an item's metadata says of all this, and the `Talk` of
items; `small_exchange_tokens` and `parts_of`, what stays together; and of a question's wording
`follow_up_points` and `is_closing`. Rules that the core and `conversation` share stand here; what
messages cost and which of them are sent is decided by `conversation`, which builds on this room.
"""
