"""Fetches ONNX Runtime for browsers from npm: one version, whose content is known."""

import base64
import hashlib
import io
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from celestial.common.console import UserError

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
# npm's own checksum of the package: `npm view onnxruntime-web@1.30.0 dist.integrity`.
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
# The network computes on the processor, in one thread; the package's other files serve GPUs and
# weigh twice as much.
SCRIPT = "ort.wasm.min.mjs"
FILES = (SCRIPT, "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
SECONDS = 600  # that npm may take; the package has 33 MB


def fetch() -> dict[str, bytes]:
    """Return the content of each of `FILES` by its name; npm keeps the package in its own cache.

    Raises:
        UserError: there is no npm, it cannot fetch the package, or the package is another one.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise UserError("--page needs npm, which fetches ONNX Runtime for browsers; install "
                        "Node.js (https://nodejs.org), which brings it")
    with tempfile.TemporaryDirectory() as folder:
        _run(npm, Path(folder))
        packages = list(Path(folder).glob("*.tgz"))
        if len(packages) != 1:
            raise UserError(f"npm pack left no package of {PACKAGE} {VERSION}; try again")
        return take_files(packages[0].read_bytes())


def take_files(package: bytes, sha512: str = SHA512) -> dict[str, bytes]:
    """Return the content of each of `FILES` in the package, a .tgz with the sha512 (base64).

    Raises:
        UserError: it is another package.
    """
    found = base64.b64encode(hashlib.sha512(package).digest()).decode()
    if found != sha512:
        raise UserError(f"what npm fetched is not {PACKAGE} {VERSION} as it was published (sha512 "
                        f"{found[:12]}... in place of {sha512[:12]}...), so it is not used; see "
                        "npm config get registry")
    with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
        return {name: archive.extractfile(f"package/dist/{name}").read() for name in FILES}


def _run(npm: str, folder: Path) -> None:
    command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--ignore-scripts", "--loglevel=error",
               "--pack-destination", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise UserError(f"npm did not fetch {PACKAGE} {VERSION} within {SECONDS // 60} minutes; "
                        "try again with a faster connection") from error
    if done.returncode:
        code = re.search(r"npm (?:error|ERR!) code (\S+)", done.stderr)
        raise UserError(f"npm cannot fetch {PACKAGE} {VERSION}"
                        + (f" ({code[1]})" if code else "")
                        + "; connect to the internet and try again")
