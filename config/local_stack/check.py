"""`make check`: everything that can be known without running the product, one line a step."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass

from config.local_stack.environment import ROOT


@dataclass(frozen=True)
class Step:
    """One check: what this Python is given; it must succeed."""

    name: str
    arguments: tuple[str, ...]


# Its module has no entry of its own, and its script's first line breaks in long paths.
_LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"

STEPS = (
    Step("format", ("-m", "ruff", "format", "--check", "--quiet", ".")),
    Step("lint", ("-m", "ruff", "check", "--no-cache", "--quiet", "--output-format", "concise", ".")),
    Step("types", ("-m", "mypy", ".")),
    Step("architecture", ("-c", _LINT_IMPORTS)),
    Step("migrations complete", ("manage.py", "makemigrations", "--check", "--dry-run")),
    Step("deploy settings", ("-m", "config.local_stack.deploy_check")),
    Step("schema files", ("-m", "config.local_stack.schema_files")),
    Step(
        "compose file",
        ("-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"),
    ),
    Step("locked packages", ("-m", "config.local_stack.lock_check")),
)
_SHOWN_LINES = 60
# The settings want addresses; no check asks at them.
_ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "config.settings.test",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:9/none",
    "REDIS_URL": "redis://127.0.0.1:9/0",
}


def _passes(step: Step) -> bool:
    begun = time.monotonic()
    result = subprocess.run(
        [sys.executable, *step.arguments],
        cwd=ROOT,
        env={**os.environ, **_ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    passed = result.returncode == 0
    if not passed:
        _show((result.stdout + result.stderr).splitlines())
    sys.stdout.write(f"  {'ok' if passed else 'FAILED'} {step.name} ({time.monotonic() - begun:.1f} s)\n")
    sys.stdout.flush()
    return passed


def _show(lines: list[str]) -> None:
    # The end of a long list says as much as its whole; a stack trace has its reason at the end.
    if len(lines) > _SHOWN_LINES:
        sys.stdout.write(f"  ... {len(lines) - _SHOWN_LINES} lines before\n")
    for line in lines[-_SHOWN_LINES:]:
        sys.stdout.write(f"{line}\n")


def main() -> int:
    """Run every step, also after one failed; 1 when one did."""
    failed = [step.name for step in STEPS if not _passes(step)]
    sys.stdout.write(f"{len(STEPS) - len(failed)} of {len(STEPS)} checks passed")
    sys.stdout.write(f"; failed: {', '.join(failed)}\n" if failed else "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
