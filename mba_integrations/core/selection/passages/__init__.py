"""The best sentences of long items, in place of the whole.

From the ground up: `shares` says what each sentence is worth of its item; `parts` which items may
be shortened, and what their sentences cost; `choice` which sentences the budget is worth;
`shortening` selects anew with what it chose.
"""
