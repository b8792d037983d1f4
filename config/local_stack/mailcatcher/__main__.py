"""`python -m config.local_stack.mailcatcher`."""

import argparse
import asyncio
import sys
from pathlib import Path

from config.local_stack.mailcatcher.server import MailCatcher


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        prog="python -m config.local_stack.mailcatcher", description="The mail catcher."
    )
    parser.add_argument("--port", type=int, required=True, help="port of the page")
    parser.add_argument("--smtp-port", type=int, required=True, help="port for SMTP")
    parser.add_argument("--data-dir", type=Path, required=True, help="where messages are kept")
    given = parser.parse_args()
    asyncio.run(MailCatcher(given.data_dir, port=given.port, smtp_port=given.smtp_port).serve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
