"""What of a conversation a model receives: pinned messages, the recent window, chosen older ones.

For chat messages of any framework; adapters and services convert theirs to `Message` and send what
a `Draft` gives back: places of messages, and texts of shortened results. Imports the core and no
framework.

The way of a call: `Conversation.update` takes the messages over and has what is new read, `Draft`
holds what is pinned against the budget, `Draft.fill` divides the rest into the recent window and
older messages and chooses among those, `Draft.finish` gives what is left to shortened results.

Offers `Message` and `Reader` (`message`), `calls_in` and `answers_in` (`blocks`), `Conversation`
(`conversation`), `Request`, `Draft` and `Planned` (`draft`), `choose_besides` (`besides`),
`Wording` (`pins`), `Chooser` and `conversation_workspace` (`older`); `content/` has
what contents cost.
"""
