"""Are the locked versions those that requirements/*.in ask for? Offline: names and pins are compared."""

import re
import sys
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from config.local_stack.environment import ROOT

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)")


def pins(lock: Path) -> dict[str, set[str]]:
    """Read the versions of a lock file by name (several where they depend on the Python)."""
    found: dict[str, set[str]] = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        if match := _PIN.match(line):
            found.setdefault(canonicalize_name(match[1]), set()).add(match[2])
    return found


def wanted(source: Path) -> list[Requirement]:
    """Read what an .in file asks for, with the files it includes."""
    requirements: list[Requirement] = []
    for raw in source.read_text(encoding="utf-8").splitlines():
        line = raw.partition("#")[0].strip()
        if line.startswith("-r "):
            requirements += wanted(source.parent / line.removeprefix("-r ").strip())
        elif line:
            requirements.append(Requirement(line))
    return requirements


def problems(source: Path, lock: Path, *, against: Path) -> list[str]:
    """List what the lock lacks or contradicts, and where it differs from the lock `against`."""
    locked, other = pins(lock), pins(against)
    found = []
    for requirement in wanted(source):
        versions = locked.get(canonicalize_name(requirement.name), set())
        if not any(requirement.specifier.contains(version, prereleases=True) for version in versions):
            found.append(f"{lock.name}: {requirement} is not locked (has {', '.join(versions) or 'nothing'})")
    found += [
        f"{lock.name}: {name} is {versions}, {against.name} has {other.get(name)}"
        for name, versions in locked.items()
        if name in other and versions != other[name]
    ]
    return found


def main() -> int:
    """Compare both locks with their sources and each other; 1 with a list when they differ."""
    everything, production = ROOT / "requirements.txt", ROOT / "requirements" / "production.txt"
    found = [
        *problems(ROOT / "requirements" / "dev.in", everything, against=production),
        *problems(ROOT / "requirements" / "base.in", production, against=everything),
    ]
    for problem in found:
        sys.stdout.write(f"{problem}\n")
    if found:
        sys.stdout.write("run `make lock`\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
