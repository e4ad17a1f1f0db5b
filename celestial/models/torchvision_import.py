"""torchvision without torch's compiler, whose import takes seconds and which nothing here uses.

Measured on 2 busy cores, 3 pairs in turn: torch and this in 4.5 to 5.0 s, torch and torchvision in
8.0 to 11.0 s.

torchvision.ops asks the compiler's package for one small function while it is imported. A stand-in
answers: the real package is imported when that function is called, or when more is asked for.
"""

import importlib
import sys
from types import ModuleType

COMPILER = ("torch._dynamo", "torch._dynamo.utils")


class _StandIn(ModuleType):
    def __getattr__(self, name: str) -> object:
        part_wanted = (self.__name__, name) == (COMPILER[0], "__path__")
        if name.startswith("__") and not part_wanted:
            raise AttributeError(name)
        _remove_stand_ins()
        return getattr(importlib.import_module(self.__name__), name)


def _is_compile_supported(device_type: str) -> bool:
    from torch._dynamo.utils import is_compile_supported

    return is_compile_supported(device_type)


def _remove_stand_ins() -> None:
    for name in COMPILER:
        if isinstance(sys.modules.get(name), _StandIn):
            del sys.modules[name]


if "torch._dynamo" not in sys.modules:
    for name in COMPILER:
        sys.modules[name] = _StandIn(name)
    sys.modules[COMPILER[1]].is_compile_supported = _is_compile_supported
import torchvision  # noqa: E402

_remove_stand_ins()

__all__ = ["torchvision"]
