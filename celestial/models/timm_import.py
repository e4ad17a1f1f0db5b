"""timm without what it imports for others: torch's compiler, its hub, ninety families of networks.

Whole, `import timm` takes three seconds, most of it for the compiler: torch.compiler.disable, with
which timm marks a few functions, imports that.
"""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from unittest.mock import patch

import torch

import celestial.models.torchvision_import  # noqa: F401 (or timm would import torchvision and the compiler)

ONE_FAMILY = "timm.models.efficientnet"


def efficientnet() -> ModuleType:
    """Import timm's EfficientNets alone: 0.1 s instead of 0.7 (CPU time, 2 cores)."""
    if ONE_FAMILY not in sys.modules:
        try:
            with _bare_packages():
                return importlib.import_module(ONE_FAMILY)
        except (ImportError, AttributeError):  # a timm that is made otherwise
            everything()
    return sys.modules[ONE_FAMILY]


def everything() -> ModuleType:
    """Import timm with all its networks and its hub."""
    if "timm" not in sys.modules:
        for name in [name for name in sys.modules if name.startswith("timm.")]:
            del sys.modules[name]  # what was imported without the hub
        with _without_compiler():
            importlib.import_module("timm")
    return sys.modules["timm"]


@contextmanager
def _bare_packages() -> Iterator[None]:
    """Let timm's modules be imported without what their packages import, and without the hub."""
    found = importlib.util.find_spec("timm")
    if found is None:
        raise ModuleNotFoundError("No module named 'timm'", name="timm")
    places = found.submodule_search_locations
    stand_ins = {"timm": _package("timm", places),
                 "timm.models": _package("timm.models", [f"{place}/models" for place in places])}
    if "huggingface_hub" not in sys.modules:
        stand_ins["huggingface_hub"] = None  # timm can do without
    sys.modules.update(stand_ins)
    try:
        stand_ins["timm"].__version__ = importlib.import_module("timm.version").__version__
        with _without_compiler():
            yield
    finally:
        for name in stand_ins:
            del sys.modules[name]


def _package(name: str, places: list[str]) -> ModuleType:
    package = ModuleType(name)
    package.__path__ = places
    return package


@contextmanager
def _without_compiler() -> Iterator[None]:
    if "torch._dynamo" in sys.modules:
        yield
        return
    with patch.object(torch.compiler, "disable", _unmarked):
        yield


def _unmarked(function=None, recursive=True, *, reason=None):
    """Take the place of torch.compiler.disable, a decorator with or without options."""
    return function if function is not None else lambda decorated: decorated
