"""A process that has imported torch and forks one for each script to run; conftest.py starts it.

Importing torch takes two seconds, of which most runs of a test need nothing else. The forked
process is one of its own, with its own folder, environment, output and exit status, and ends as any
Python does.

  python zygote.py FD     FD: of a Unix socket over which requests come, JSON with two descriptors
"""

import importlib
import json
import os
import runpy
import socket
import sys
from pathlib import Path

LONGEST = 1 << 20  # bytes of a request
# What scripts import late counts as well: it is most of a short run.
LIBRARIES = ("torch", "torchvision", "timm", "pytorch_grad_cam", "scipy.stats", "cv2",
             "astropy.io.fits", "sklearn.ensemble", "sklearn.metrics", "seaborn", "jinja2")


def serve(connection: socket.socket) -> tuple[dict, list[int]] | None:
    """Fork for each request; return it, with its descriptors, in the new process alone."""
    while True:
        content, descriptors, *_ = socket.recv_fds(connection, LONGEST, 2)
        if not content:
            return None
        child = os.fork()
        if child == 0:
            connection.close()
            return json.loads(content), descriptors
        for descriptor in descriptors:
            os.close(descriptor)
        connection.sendall(f"{child}\n".encode())
        connection.sendall(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n".encode())


def become(request: dict, descriptors: list[int]) -> None:
    """Run a script as `python script.py ...` would."""
    for target, descriptor in zip((1, 2), descriptors, strict=True):
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["cwd"])
    numpy.random.seed()  # as every process has its own
    sys.argv = request["command"]
    sys.path[0] = str(Path(request["command"][0]).parent)
    runpy.run_path(request["command"][0], run_name="__main__")


if __name__ == "__main__":
    # Nothing of the project, as some tests run the scripts of a changed copy of it.
    import numpy

    for library in LIBRARIES:
        importlib.import_module(library)

    if asked := serve(socket.socket(fileno=int(sys.argv[1]))):
        become(*asked)
