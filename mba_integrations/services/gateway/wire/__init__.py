"""What requests, replies and streams of the providers' protocols say; nothing is decided here.

Three protocols: OpenAI's chat completions and responses, Anthropic's messages. What is not
understood is said to be so, and is never an error: it goes through as it is.

Offers `Api` and `api_of` (`apis`), `Document` (`document`), `read` (`reading`), `RequestCounter`
(`counting`), `usage_of_json` and `UsageReader` (`usage`), `reply_of_json` and `ReplyReader`
(`replies`), `EventReader` (`events`). Imports the core and `conversation`.
"""
