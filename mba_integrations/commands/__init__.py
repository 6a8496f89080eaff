"""The subcommands of `mba`, one file each. Needs the extra `cli`."""
