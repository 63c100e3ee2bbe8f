"""``python -m kafkalite.broker``: the broker as a daemon."""

import sys

from kafkalite.broker.daemon import main

if __name__ == "__main__":
    sys.exit(main())
