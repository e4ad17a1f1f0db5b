"""Chooses the device that the network runs on, and the precision."""

import contextlib
from collections.abc import Callable

import torch

from celestial.common.console import UserError
from celestial.inference.freed_memory import keep_freed_memory

Precision = Callable[[torch.device], torch.dtype | None]


def pick_device(name: str) -> torch.device:
    """Return the device that `--device` names; auto is CUDA when there is one, else the CPU.

    Raises:
        UserError: there is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UserError(f"--device {name} cannot be used here; leave the option out or say cpu",
                        status=2) from error
    if device.type == "cpu":
        keep_freed_memory()
    return device


def mixed_precision(device: torch.device) -> torch.dtype | None:
    """Return the 16-bit type that this device computes fast in, or None for float32 alone.

    bfloat16 needs no loss scaling, so it comes first. A CPU without AVX512_BF16 or AMX emulates
    it, slower than float32.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float16
    if device.type == "cpu":
        able = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        if any(able.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16")):  # bf16: ARM
            return torch.bfloat16
    return None


def inference_precision(device: torch.device) -> torch.dtype | None:
    """Return the type to predict in: float16 on CUDA, which is as fast as bfloat16 and finer."""
    return torch.float16 if device.type == "cuda" else mixed_precision(device)


def autocast(device: torch.device) -> contextlib.AbstractContextManager:
    """Return the context in which a network learns on this device."""
    dtype = mixed_precision(device)
    if dtype is None:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype)


def describe(device: torch.device, precision: Precision = mixed_precision) -> str:
    """Return the device as text for the run header."""
    dtype = precision(device)
    name = str(dtype).removeprefix("torch.") if dtype else "float32"
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)}, {name})"
    return f"{device} ({torch.get_num_threads()} threads, {name})"
