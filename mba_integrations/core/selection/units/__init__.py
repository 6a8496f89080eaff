"""What is kept or left out together, and which of it could come in.

From the ground up: `units` joins groups; `displacement` says what a tier's share has to be worth,
by the densest units; `price` which units are not worth their tokens; `prospects` packs those that
could come in.
"""
