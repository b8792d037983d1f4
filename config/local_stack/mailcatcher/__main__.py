"""`python -m config.local_stack.mailcatcher`."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from config.local_stack.mailcatcher.server import MailCatcher
from config.local_stack.mailcatcher.telling import Teller


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        prog="python -m config.local_stack.mailcatcher", description="The mail catcher."
    )
    parser.add_argument("--port", type=int, required=True, help="port of the page")
    parser.add_argument("--smtp-port", type=int, required=True, help="port for SMTP")
    parser.add_argument("--data-dir", type=Path, required=True, help="where messages are kept")
    parser.add_argument("--webhook-url", help="where to tell what became of a message")
    given = parser.parse_args()
    # Not an argument: those can be read by every user of the machine.
    secret = os.environ.get("RESEND_WEBHOOK_SECRET", "").split(",")[0].strip()
    teller = Teller(given.webhook_url, secret) if given.webhook_url and secret else None
    catcher = MailCatcher(given.data_dir, port=given.port, smtp_port=given.smtp_port, teller=teller)
    asyncio.run(catcher.serve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
