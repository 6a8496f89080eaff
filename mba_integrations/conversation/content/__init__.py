"""What a message's content sends: its texts, its calls, and what media in it cost.

In the forms of LangChain's blocks and of the providers. Imports `conversation.blocks` and no
framework.
"""
