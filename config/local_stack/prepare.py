"""Migrations and demo data in one process: the only module of the stack that loads Django."""

import sys


def main() -> int:
    """Bring the database to today's schema; fill in the demo data with `--with-demo`."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", interactive=False, verbosity=1)
    if "--with-demo" in sys.argv[1:]:
        call_command("seed_demo")
    return 0


if __name__ == "__main__":
    sys.exit(main())
