"""What the commands print: text made safe for a terminal, tables, a bar of progress.

Imports rich and the core, none of the commands. Offers `results`, `remark`, `write_text` and the
tables; nothing else in `commands` writes to a stream.
"""
