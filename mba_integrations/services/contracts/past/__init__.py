"""Past recalls taken apart and tried otherwise, as they are shown."""
