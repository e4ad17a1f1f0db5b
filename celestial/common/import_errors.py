"""Says in one sentence why an import failed and how to correct that."""

import importlib.util
import re
import traceback

INSTALL = ("activate .venv (source .venv/bin/activate, on Windows .venv\\Scripts\\activate) or run "
           "pip install -r ")
UPGRADE = "pip install --upgrade -r requirements.txt may bring versions that fit"
# Packages named otherwise than their modules, and modules of other requirements files.
PACKAGES = {"cv2": "opencv-python-headless", "PIL": "pillow", "sklearn": "scikit-learn",
            "pytorch_grad_cam": "grad-cam"}
FILES = {"ray": "requirements-ray.txt", "pyarrow": "requirements-ray.txt",
         "openvino": "requirements-openvino.txt", "onnxruntime": "requirements-onnx.txt",
         "onnx": "requirements-export.txt", "onnxscript": "requirements-export.txt"}
# The words of the system's loader, in an ImportError or, through ctypes and cffi, an OSError.
LIBRARY = re.compile(r"([^\s:']+\.so[.\d]*): cannot open shared object file")
# Shared library -> package of Debian and Ubuntu. Newer releases add t64 to some names and accept
# the old ones as well.
DEBIAN = {"libGL.so.1": "libgl1", "libEGL.so.1": "libegl1", "libGLdispatch.so.0": "libglvnd0",
          "libglib-2.0.so.0": "libglib2.0-0", "libgthread-2.0.so.0": "libglib2.0-0",
          "libgomp.so.1": "libgomp1", "libstdc++.so.6": "libstdc++6", "libgcc_s.so.1": "libgcc-s1",
          "libgfortran.so.5": "libgfortran5", "libopenblas.so.0": "libopenblas0",
          "libatomic.so.1": "libatomic1", "libnuma.so.1": "libnuma1", "libz.so.1": "zlib1g",
          "libbz2.so.1.0": "libbz2-1.0", "liblzma.so.5": "liblzma5",
          "libffi.so.8": "libffi8", "libexpat.so.1": "libexpat1", "libvips.so.42": "libvips42",
          "libsqlite3.so.0": "libsqlite3-0", "libX11.so.6": "libx11-6", "libxcb.so.1": "libxcb1",
          "libXext.so.6": "libxext6", "libXrender.so.1": "libxrender1", "libSM.so.6": "libsm6",
          "libICE.so.6": "libice6"}


def lacking(error: Exception) -> str:
    """Return one sentence about an import that failed: what is missing, and what to do.

    Empty where the error is of another kind, or of one of this program's own modules.
    """
    if library := _missing_library(error):
        return library
    return _not_imported(error) if isinstance(error, ImportError) else _import_ended(error)


def _not_imported(error: ImportError) -> str:
    name = error.name or ""
    top = name.partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and top not in ("", "celestial"):
        if top != name and importlib.util.find_spec(top):
            return f"{top} is installed, but has no {name}; {UPGRADE}"
        brings = f" ({PACKAGES[top]})" if top in PACKAGES else ""
        return f"{name}{brings} is not installed; {INSTALL}{FILES.get(top, 'requirements.txt')}"
    words = first_line(error)
    if top == "celestial":
        return f"{words}; the program's files do not belong together: fetch all of them anew"
    return f"{name or 'a module'} cannot be imported: {words}; {UPGRADE}"


def _import_ended(error: Exception) -> str:
    """Return a sentence about a library that raised some other error when it was imported.

    torchvision raises one if torch has another version, and a module that was compiled for another
    numpy does as well.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        top = frame.f_globals.get("__name__", "").partition(".")[0]
        if frame.f_code.co_name == "<module>" and top not in ("__main__", "celestial"):
            return f"{top} cannot be imported: {first_line(error)}; {UPGRADE}"
    return ""


def first_line(error: BaseException) -> str:
    """Return what an error says, on one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _missing_library(error: Exception) -> str:
    """Return a sentence about a library of the system that the error, or its cause, names."""
    seen = error
    while seen is not None:
        if found := LIBRARY.search(str(seen)):
            break
        seen = seen.__cause__ or seen.__context__
    else:
        return ""
    library = found[1].rpartition("/")[2]
    of = getattr(error, "name", None)
    needs = f", which {of} needs" if of else ""
    if package := DEBIAN.get(library):
        return (f"the system has no library {library}{needs}; on Debian and Ubuntu run apt install "
                f"{package}, elsewhere install what holds it")
    return (f"the system has no library {library}{needs}; install the package that holds it (on "
            f"Debian and Ubuntu apt-file search {library} names it), or ask who looks after the "
            "machine")
