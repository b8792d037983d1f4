"""What the documentation names is there, and what callers and operators rely on is described."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.management import get_commands

from common.outbox.registry import registry
from config.local_stack.environment import ROOT
from config.schedules import SCHEDULES
from payments.models import OrderState, OrderStatus
from payments.services.stripe_events import HANDLED_TYPES

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
ROOMS = (
    "accounts",
    "ads",
    "analytics",
    "common",
    "config",
    "events",
    "notifications",
    "offers",
    "payments",
    "tickets",
    "waitlist",
)
_FOLDERS = (*ROOMS, "sandbox", "static", "templates", "deploy", "docs", "requirements")

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def _names(pages: list[Path] = PAGES) -> Iterator[tuple[Path, str]]:
    """Yield what stands in backticks in the running text, page by page."""
    for page in pages:
        for name in _CODE.findall(_FENCE.sub("", page.read_text())):
            yield page, name


def _missing(found: Iterator[tuple[Path, str]]) -> list[str]:
    return [f"{page.relative_to(ROOT)}: {name}" for page, name in found]


def _sources(*, tests: bool) -> Iterator[Path]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if ("tests" in path.parts) == tests:
                yield path


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _broken_links() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for link in _LINK.findall(_FENCE.sub("", page.read_text())):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            if not target.exists() or (anchor and anchor not in _anchors(target)):
                yield page, link


def test_every_relative_link_leads_somewhere() -> None:
    """Files and headings that a page links to are there. REQ OP-05."""
    assert _missing(_broken_links()) == []


def test_every_picture_is_shown_and_taken_by_the_one_command() -> None:
    """`make pictures` takes each picture that the pages show, and no other lies about. REQ OP-05."""
    taken = set(re.findall(r'camera\.keep\(page, "(\w+)"', (ROOT / "config/demo/pictures.py").read_text()))
    shown = {
        Path(link).stem
        for page in PAGES
        for link in _LINK.findall(page.read_text())
        if link.endswith(".png") and not re.match(r"[a-z]+:", link)
    }
    pictures = list((DOCS / "images").iterdir())
    assert taken == shown == {picture.stem for picture in pictures}
    assert [picture.name for picture in pictures if picture.stat().st_size > 150_000] == []


def test_every_make_target_and_command_exists() -> None:
    """What a page tells to type can be typed. REQ OP-05."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = set(get_commands())
    wrong = []
    for page in PAGES:
        text = page.read_text()
        wrong += [
            f"{page.name}: make {name}"
            for name in re.findall(r"(?:`|^)make ([a-z]+)", text, re.MULTILINE)
            if name not in targets
        ]
        wrong += [
            f"{page.name}: {name}"
            for name in re.findall(r"manage\.py ([a-z_]+)", text)
            if name not in commands
        ]
    assert wrong == []


def test_every_file_named_exists() -> None:
    """A path in backticks that begins in one of our folders is one. REQ OP-05."""
    paths = (
        (page, name)
        for page, name in _names()
        if re.fullmatch(rf"(?:{'|'.join(_FOLDERS)})/[\w./\-]*", name) and not (ROOT / name).exists()
    )
    assert _missing(paths) == []


def _resolves(name: str) -> bool:
    """Say whether a dotted name is a module of ours, something that one of them holds, or a model."""
    parts = name.split(".")
    models = {model._meta.label for model in apps.get_models()}
    if name in models:
        return True
    for cut in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:cut])
        module = place.with_suffix(".py") if place.with_suffix(".py").exists() else place / "__init__.py"
        if module.exists():
            held = parts[cut:]
            return not held or re.search(rf"\b{re.escape(held[0])}\b", module.read_text()) is not None
        if place.is_dir():
            return cut == len(parts)
    return False


def test_every_dotted_name_exists() -> None:
    """A module, function, kind of job or task that a page names is there. REQ OP-05."""
    known = {*registry.names(), *(schedule.task for schedule in SCHEDULES)}
    names = (
        (page, name)
        for page, name in _names()
        if re.fullmatch(rf"(?:{'|'.join(ROOMS)})(?:\.\w+)+", name)
        and name not in known
        and not _resolves(name)
    )
    assert _missing(names) == []


def test_every_test_named_exists() -> None:
    """A proof that a page refers to is a test. REQ OP-05."""
    tests = {
        name
        for path in _sources(tests=True)
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)
    }
    named = [(page, name) for page, name in _names() if re.fullmatch(r"test_\w+", name)]
    assert (
        _missing((page, name) for page, name in named if name not in tests and not name.endswith("_")) == []
    )
    assert len(named) > 40


def _words_of_the_code() -> set[str]:
    places = [*_sources(tests=False), *(ROOT / "sandbox").glob("*.py"), ROOT / ".env.example"]
    places += [ROOT / name for name in ("docker-compose.yml", "Dockerfile", "deploy/Caddyfile")]
    return {word for path in places for word in re.findall(r"\b[A-Z][A-Z0-9_]+\b", path.read_text())}


def test_every_constant_named_exists() -> None:
    """A setting, status or other name in capitals is one that the code knows. REQ OP-05."""
    known = _words_of_the_code() | {"FOR UPDATE SKIP LOCKED"}
    names = (
        (page, name)
        for page, name in _names()
        if re.fullmatch(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+", name) and name not in known
    )
    assert _missing(names) == []


def test_every_screen_named_exists() -> None:
    """A screen of the admin that a runbook opens is registered. REQ OP-05."""
    screens = {(model._meta.app_label, model._meta.model_name) for model in admin.site._registry}
    named = [
        (page, found.groups()) for page, name in _names() if (found := re.match(r"/admin/(\w+)/(\w+)/", name))
    ]
    assert _missing((page, "/".join(names)) for page, names in named if names not in screens) == []
    assert len(named) > 5


def test_every_metric_named_exists() -> None:
    """A metric that a runbook looks at is one that is exported. REQ OP-05."""
    code = "\n".join(path.read_text() for path in _sources(tests=False))
    names = (
        (page, name)
        for page, name in _names()
        if (found := re.match(r"marquee_\w*[a-z]\b", name)) and f'"{found.group()}"' not in code
    )
    assert _missing(names) == []


def test_every_setting_is_described() -> None:
    """The example of the settings and the page that explains them name the same ones. REQ OP-05."""
    example = (ROOT / ".env.example").read_text()
    settings = set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE))
    described = set(
        re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", (DOCS / "running.md").read_text(), re.MULTILINE)
    )
    assert settings == described


def _codes(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the codes that a file can answer with: ``("code", ...)`` of failures, ``("field", ...)`` of fields."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):
            yield from (("code", value) for value in _assigned(node, "code") if value)
        elif isinstance(node, ast.Call) and len(node.args) > 1:
            second = node.args[1]
            callee = ast.unparse(node.func)
            if isinstance(second, ast.Constant) and isinstance(second.value, str):
                if callee in {"FieldError", "Invalid.field"}:
                    yield "field", second.value
                elif callee == "Problem":
                    yield "code", second.value


def _assigned(node: ast.ClassDef, name: str) -> Iterator[str]:
    for line in node.body:
        targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
        value = getattr(line, "value", None)
        if any(isinstance(one, ast.Name) and one.id == name for one in targets) and isinstance(
            value, ast.Constant
        ):
            yield str(value.value)


@cache
def _all_codes() -> frozenset[tuple[str, str]]:
    return frozenset(found for path in _sources(tests=False) for found in _codes(path))


@pytest.mark.parametrize("sort", ["code", "field"])
def test_every_error_code_is_described(sort: str) -> None:
    """A front end finds each code that it may meet, and what to do. REQ OP-05."""
    codes = {code for kind, code in _all_codes() if kind == sort}
    described = {name for _, name in _names([DOCS / "front-end.md"])}
    assert sorted(codes - described) == []
    assert len(codes) > 20


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ("money-path.md", {*OrderState.values, *OrderStatus.values}),
        ("running.md", {schedule.task for schedule in SCHEDULES}),
        ("running.md", {schedule.name for schedule in SCHEDULES}),
        ("running.md", set(HANDLED_TYPES)),
        ("queue.md", set(registry.names())),
    ],
    ids=["states", "tasks", "schedules", "Stripe's events", "kinds of job"],
)
def test_every_list_is_complete(page: str, wanted: set[str]) -> None:
    """States, schedules, Stripe's events and kinds of job are all described. REQ OP-05."""
    text = (DOCS / page).read_text()
    assert (
        sorted(name for name in wanted if not re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", text)) == []
    )
