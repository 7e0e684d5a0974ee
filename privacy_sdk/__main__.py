"""``python -m privacy_sdk`` is the ``privacy-sdk`` command."""

import sys

from privacy_sdk.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
