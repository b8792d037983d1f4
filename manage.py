#!/usr/bin/env python
"""The operators' door: Django's command line with the product's own commands."""

import os
import sys


def main() -> None:
    """Run a management command; the settings are those of the environment, development by default."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
