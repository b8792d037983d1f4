"""A fingerprint of what decides the migrated schema, so that nothing is migrated twice for nothing."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from config.local_stack.binaries import postgres_version
from config.local_stack.environment import ROOT


def fingerprint(more: Iterable[Path] = ()) -> str:
    """Hash the migrations, settings, package versions and server version; `more` files are added."""
    packages = [folder for folder in ROOT.iterdir() if (folder / "__init__.py").exists()]
    files = {file for folder in packages for file in folder.rglob("migrations/**/*") if file.is_file()}
    files |= {*(ROOT / "config" / "settings").rglob("*.py"), ROOT / "requirements.txt", *more}
    digest = hashlib.sha256(postgres_version().encode())
    for file in sorted(files):
        if file.suffix != ".pyc":
            digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:20]
