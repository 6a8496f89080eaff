"""Read files, chats, folders and git histories into memory items. Needs nothing but the core."""
