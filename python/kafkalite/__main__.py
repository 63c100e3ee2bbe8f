"""``python -m kafkalite``: the ``kafkalite`` command, where it is not on the search path."""

import sys

from kafkalite.cli import main

if __name__ == "__main__":
    sys.exit(main())
