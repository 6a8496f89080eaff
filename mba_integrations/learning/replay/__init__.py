"""Past allocations decided again under other settings: records, files, the function, executors.

From the ground up: `records` is what is kept of an allocation; `replay` decides it again;
`executors` do so in several processes; `comparison` says what differs; `files` carry records.
"""
