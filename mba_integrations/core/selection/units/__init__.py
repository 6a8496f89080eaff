"""What is kept or left out together, and which of it could come in.

From the ground up: `units` joins groups; `displacement` says what a tier's share has to be worth,
by the densest units; `prospects` packs those that could come in.
"""
