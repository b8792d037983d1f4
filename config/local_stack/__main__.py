"""`python -m config.local_stack run`."""

import argparse
import sys

from config.local_stack.errors import StackError
from config.local_stack.run import run


def main(arguments: list[str] | None = None) -> int:
    """Run a command of the local stack; 1 and a sentence on stderr when it cannot."""
    parser = argparse.ArgumentParser(prog="python -m config.local_stack", description="The local stack.")
    parser.add_argument("command", choices=["run"], help="run: start everything and stay until Ctrl-C")
    parser.parse_args(arguments)
    try:
        run()
    except StackError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
