"""Where definitions begin and end in Python and in languages with blocks, and their names."""
