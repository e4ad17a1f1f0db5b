"""Decoding in processes of their own: a file that kills or hangs its decoder costs one worker.

Decoders are large programs in C that meet files from anywhere. Here such a file becomes one
`ImageError` with a reason, another worker takes the place of the lost one, and the run goes on.
"""

import contextlib
import ctypes
import functools
import mmap
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import TimeoutError as FuturesTimeout
from functools import partial
from pathlib import Path
from typing import TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from celestial.common.console import ROOT
from celestial.common.ordered_work import in_order
from celestial.pictures.readers.types import ImageError

Source = TypeVar("Source")
Result = TypeVar("Result")
SECONDS = 15  # for one file; 12,000 x 12,000 pixels in a PNG of 16 bits take 6
MOST_MEMORY = 2 << 30  # bytes a worker may take
LARGE = 64 << 20  # bytes of its own, beyond which a worker gives back what is free
# With these glibc keeps freed blocks of up to 32 MB for the next file, and has one place for all
# threads (man mallopt): 200 JPEGs of 1 to 4 megapixels, reduced to 340 pixels, take 3.2 s of CPU
# time in place of 3.5, and 5,000 new pages in place of 140,000. Other systems ignore them.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(32 << 20),
               "MALLOC_ARENA_MAX": "1"}


def decode_all(function: Callable[[Path], Result], paths: Iterable[Path], workers: int,
               ahead: int = 16) -> Iterator[tuple[Path, Result | ImageError]]:
    """Apply a function to each file and yield the results in the order of the files.

    Memory does not grow with the number of files.

    Args:
        function: reads one file and raises ImageError where it cannot; importable by its name, as
            it runs in another process.
        paths: the files.
        workers: processes; 0 decodes in this process, for files that this program wrote itself.
        ahead: results that may wait to be fetched.

    Yields:
        The file, and what the function returned or the error that says why there is nothing.
    """
    if workers == 0:
        yield from ((path, _try(function, path)) for path in paths)
        return
    start = partial(start_decoding, workers, function)
    for path, future in in_order(start, paths, max(ahead, 2 * workers)):
        yield path, outcome(future)


def start_decoding(workers: int, function: Callable[[Source], Result],
                   source: Source) -> ProcessFuture:
    """Apply a function as `decode_all` does to one file, or to the bytes of one."""
    return in_process(workers, _try, function, source)


def in_process(workers: int, function: Callable, *args: object) -> ProcessFuture:
    """Start a function in one of the `workers` processes; it and its arguments are pickled.

    The future raises what the function raises, TimeoutError of concurrent.futures after `SECONDS`,
    and ProcessExpired where the process died.
    """
    return _pool(workers).schedule(_in_worker, args=(function, *args), timeout=SECONDS)


def start_early(workers: int) -> None:
    """Let the processes start while this one does something else, such as importing torch."""
    pool = _pool(workers)

    def start() -> None:
        with contextlib.suppress(Exception):  # it comes again, and is told, with the first file
            for _ in range(workers):
                pool.schedule(_in_worker, args=(int,), timeout=SECONDS)

    # In a thread, because the first one waits until the server has loaded what it forks.
    threading.Thread(target=start).start()


def _in_worker(function: Callable, *args: object) -> object:
    """Call a function in a worker, which does not stay as large as its largest file made it.

    After twelve PNGs of 144 million pixels it has 28 MB of its own, as at first; else 89 MB, and
    170 where libvips has 16 threads. Linux with glibc; elsewhere nothing is given back here.
    """
    try:
        return function(*args)
    finally:
        if sys.platform == "linux":
            _, resident, of_files, *_ = map(int, Path("/proc/self/statm").read_text().split())
            library = ctypes.CDLL(None)
            if (resident - of_files) * mmap.PAGESIZE > LARGE and hasattr(library, "malloc_trim"):
                library.malloc_trim(0)


def _try(function: Callable[[Source], Result], source: Source) -> Result | ImageError:
    try:
        return function(source)
    except ImageError as error:
        # A new one: the old one's traceback holds what has been decoded so far.
        return ImageError(str(error))
    except MemoryError:
        return ImageError("too large for the memory of a decoder")


def outcome(future: ProcessFuture) -> object:
    """Return what `start_decoding` brought, or the error that says why there is nothing."""
    try:
        return future.result()
    except FuturesTimeout:
        return ImageError(f"decoding it takes more than {SECONDS} seconds")
    except ProcessExpired as error:
        return ImageError(f"it crashes the decoder (exit status {error.exitcode})")


@functools.cache
def _pool(workers: int) -> ProcessPool:
    # Never a plain fork: this process has threads, and a fork copies their locks as they are.
    kind = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(kind)
    if kind == "forkserver":
        context.set_forkserver_preload(["celestial.pictures.quiet_decoders",
                                        "celestial.pictures.preprocessing"])
        _start_server()
    return ProcessPool(workers, initializer=_limit_worker, context=context)


def _start_server() -> None:
    """Start the server that forks the decoders, and let it find what it is to load beforehand.

    Before Python 3.13.1 it does not know this process's sys.path
    (https://github.com/python/cpython/issues/117378) and loads nothing, without a word. What it
    forks computes with one thread: OpenBLAS takes memory for one on each core in every process, and
    on 16 cores that alone was more than `MOST_MEMORY`, so that every decoder died.
    """
    from multiprocessing import forkserver

    paths = filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
    with _environment(PYTHONPATH=os.pathsep.join(paths), OPENBLAS_NUM_THREADS="1",
                      OMP_NUM_THREADS="1", **KEEP_MEMORY):
        forkserver.ensure_running()


@contextlib.contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set variables for the processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _limit_worker() -> None:
    """Take memory, core dumps and the terminal from a worker; Windows has no such limits."""
    import celestial.pictures.quiet_decoders  # noqa: F401 (the server has, but for Windows, which forks nothing)

    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
