"""Gives libraries a home folder where the user has none, as in containers and services."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path


def ensure_home() -> None:
    """Give this process, and those that it starts, a home where the user has none.

    Without one torch would keep downloads in a folder called ~ in the current folder, and Ray would
    fail. A home that cannot be written is kept, because keys and weights may lie in it. Matplotlib
    then gets another folder for its list of fonts, and torch another one for downloads unless its
    downloads in the home can be read.
    """
    try:
        home = Path.home()
    except RuntimeError:
        os.environ["HOME"] = str(_own_folder())
        return
    if os.access(home, os.W_OK):
        return
    if "XDG_CONFIG_HOME" not in os.environ:
        os.environ.setdefault("MPLCONFIGDIR", str(_own_folder() / "matplotlib"))
    if "XDG_CACHE_HOME" not in os.environ and not os.access(home / ".cache/torch", os.R_OK):
        os.environ.setdefault("TORCH_HOME", str(_own_folder() / "torch"))


def _own_folder() -> Path:
    """Return a temporary folder that this user alone may enter, the same one each time."""
    user = getattr(os, "getuid", lambda: 0)()
    folder = Path(tempfile.gettempdir()) / f"celestial-home-{user}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if stat.S_ISDIR(found.st_mode) and found.st_uid == user and not found.st_mode & 0o077:
        return folder
    return Path(tempfile.mkdtemp(prefix="celestial-home-"))  # somebody else took the name
