"""timm without torch's compiler, whose import takes two seconds and which nothing here uses.

A few of timm's functions are marked as none of the compiler's business while timm is imported, and
the mark itself, torch.compiler.disable, imports the compiler. Here it leaves them as they are.
"""

import sys
from unittest.mock import patch

import torch

import celestial.lean_torchvision  # noqa: F401 (timm imports torchvision, with the compiler)


def _unmarked(function=None, recursive=True, *, reason=None):
    """Take the place of torch.compiler.disable, a decorator with or without options."""
    return function if function is not None else lambda decorated: decorated


if "torch._dynamo" in sys.modules:
    import timm
else:
    with patch.object(torch.compiler, "disable", _unmarked):
        import timm

__all__ = ["timm"]
