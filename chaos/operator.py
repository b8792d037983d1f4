"""What an operator would type at the end, all in one process: starting Django for each would cost more than the work.

`python -m chaos.operator COMMANDS`: runs a JSON list of commands, each with its options, and prints a JSON list of exit
codes and of what each said.
"""

import io
import json
import sys
from collections.abc import Sequence

# Queues may go on while they are compared, so that their mirrors are looked at twice after they were healed.
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("refresh_analytics",),
    ("refresh_analytics", "--recount", "--dry-run"),
    ("recount_ads", "--dry-run"),
    ("reconcile_inventory", "--dry-run"),
    ("reconcile_payments", "--dry-run"),
    ("rebuild_waitlist",),
    ("rebuild_waitlist", "--dry-run"),
)


# What the clock does each night, and what repairs a payment whose last webhook never came.
NIGHTLY: tuple[tuple[str, ...], ...] = (("reconcile_payments",),)


def run(commands: Sequence[Sequence[str]]) -> list[tuple[int, str]]:
    """Run every command; whatever one ends with, the next follows."""
    import django
    from django.core.management import CommandError, call_command

    django.setup()
    outcomes = []
    for name, *options in commands:
        said, code = io.StringIO(), 0
        try:
            call_command(name, *options, stdout=said, stderr=said)
        except SystemExit as ended:
            code = int(ended.code or 0)
        except CommandError as error:
            code = error.returncode
            said.write(str(error))
        outcomes.append((code, said.getvalue().strip()))
    return outcomes


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(json.loads(sys.argv[1]))))
