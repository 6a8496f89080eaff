"""`python -m mba_integrations` is the `mba` command."""

from mba_integrations.cli import main

if __name__ == "__main__":
    main()
