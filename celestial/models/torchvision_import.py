"""torchvision without torch's compiler, whose import takes seconds and which nothing here uses.

Medians of the CPU time, 5 pairs in turn on 2 busy cores with torch 2.14.1 and torchvision 0.29.1:
torch and this take 4.6 s, torch and torchvision 7.4 s. predict_my_images.py --no-pictures on one
picture takes 5.4 s with this, and 7.9 s with torchvision imported in its place, which does as well.

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
