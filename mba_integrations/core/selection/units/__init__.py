"""What is kept or left out together, and which of it could come in.

From the ground up: `exchanges` says what of a talk stays together and what comes in first; `units`
joins it, and groups; `displacement` says what a tier's share has to be worth,
by the densest units; `price` which units are not worth their tokens; `prospects` packs those that
could come in.
"""
