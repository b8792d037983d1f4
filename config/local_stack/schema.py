"""A fingerprint of what decides the migrated schema, so that nothing is migrated twice for nothing."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from config.local_stack.binaries import postgres_version
from config.local_stack.environment import ROOT


def fingerprint(more: Iterable[Path] = ()) -> str:
    """Hash the migrations, schedules, settings, package and server versions; `more` files are added."""
    packages = [folder for folder in ROOT.iterdir() if (folder / "__init__.py").exists()]
    files = {file for folder in packages for file in folder.rglob("migrations/**/*") if file.is_file()}
    # Schedules are filled in after a migration.
    house = ROOT / "config"
    files |= {*(house / "settings").rglob("*.py"), *house.glob("schedules.py")}
    files |= {ROOT / "requirements.txt", *more}
    digest = hashlib.sha256(postgres_version().encode())
    for file in sorted(files):
        if file.suffix != ".pyc":
            digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:20]
