"""The command's door: quick to open, so that Ctrl-C while the rest is being imported ends as cleanly as later."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command."""
    try:
        from federation.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
