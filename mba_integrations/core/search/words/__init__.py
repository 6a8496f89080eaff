"""What a word of a query means where no text has it as it is written.

`spellings` finds the nearest spelling that a text has.
"""
