"""Every module of the product is loaded before the first test.

Some are loaded at first use. Where that is in a test that replaced something (a clock, a limit), what such a module
imported by name stays replaced for the rest of the process, and which test comes first is chance.
"""

import importlib
import pkgutil
from pathlib import Path
from typing import Final

from django.apps import apps

from config.local_stack.environment import ROOT

# Not loaded by what serves: tests, what only a process of its own runs, what needs settings of its own.
_NOT: Final = frozenset({"tests", "migrations", "management", "settings", "local_stack", "asgi", "wsgi"})


def load_everything() -> None:
    """Import the modules of each of the product's apps. A module that cannot be imported is an error."""
    for app in apps.get_app_configs():
        if Path(app.path).parent == ROOT:
            for module in pkgutil.walk_packages([app.path], f"{app.name}."):
                if _NOT.isdisjoint(module.name.split(".")):
                    importlib.import_module(module.name)
