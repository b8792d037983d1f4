"""The environment of the local stack, for its children and for commands typed beside it."""

import os
from pathlib import Path

from config.local_stack.files import read_env

ROOT = Path(__file__).resolve().parents[2]
STACK_ENV = "stack.env"
DEFAULT_DATA_DIR = ".local"


def data_dir(root: Path = ROOT) -> Path:
    """Give the data folder: DATA_DIR from the environment or `.env`, else `.local` of the project."""
    named = os.environ.get("DATA_DIR") or read_env(root / ".env").get("DATA_DIR") or DEFAULT_DATA_DIR
    folder = Path(named).expanduser()
    return folder if folder.is_absolute() else root / folder


def load(root: Path = ROOT) -> None:
    """Fill `os.environ` with what the running stack uses, so that `manage.py` finds its servers.

    What the environment already holds wins, then `.env` of the project, then `stack.env` of the data
    folder, which `make run` writes. Absent files are no error: nothing is set then.
    """
    for values in (read_env(root / ".env"), read_env(data_dir(root) / STACK_ENV)):
        for name, value in values.items():
            # An empty line of a copied .env.example means "not set".
            if value:
                os.environ.setdefault(name, value)
