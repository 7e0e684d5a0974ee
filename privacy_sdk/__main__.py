"""The ``privacy-sdk`` command, also as ``python -m privacy_sdk``."""

import gc
import sys


def main() -> int:
    """Run the command and return its exit code."""
    # What is imported stays: looking for garbage among it takes a twentieth of the start.
    gc.disable()
    from privacy_sdk.cli.main import main as command

    gc.freeze()
    gc.enable()
    return command()


if __name__ == "__main__":
    sys.exit(main())
