"""The rooms of celestial/: one way of imports, a table of contents each, nothing named in vain."""

import ast
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import ROOT

from celestial.common.console import DRAWN, OUTLIERS
from celestial.renderer.drawers import drawer

MOST = 12  # modules of a room, rooms within it not counted
PACKAGE = ROOT / "celestial"
ROOMS = sorted(path.parent for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE)
CODE = [path for folder in ("celestial", "tests", "benchmarks", "pretrained", "docs")
        for path in sorted((ROOT / folder).rglob("*.py"))] + sorted(ROOT.glob("*.py"))
LONGEST = {"main": 80}  # lines of a function; any other
LONG = 60


def contents(room: Path) -> set[str]:
    """Return what a room's docstring must name: its modules, and its rooms with a slash."""
    return {path.stem if path.is_file() else f"{path.name}/" for path in room.iterdir()
            if (path.suffix == ".py" and path.stem != "__init__")
            or (path / "__init__.py").is_file()}


def test_a_room_imports_from_the_rooms_above_it_alone():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "2 kept, 0 broken" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.relative_to(PACKAGE).as_posix())
def test_a_room_says_what_is_in_it_and_nothing_else(room):
    tree = ast.parse((room / "__init__.py").read_text(encoding="utf-8"))
    assert len(tree.body) == 1, "a docstring alone"
    told = re.findall(r"^([\w/]+): ", ast.get_docstring(tree), re.MULTILINE)
    told.remove("in")
    assert sorted(told) == sorted(contents(room)) and len(contents(room)) > 0
    assert len([name for name in told if not name.endswith("/")]) <= MOST


def named_modules() -> set[str]:
    """Return every string in the code that is a module of the package, whole or as a beginning."""
    strings = {node.value for path in CODE if path != Path(__file__)
               for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
               if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in strings if re.fullmatch(r"celestial(\.\w+)+", text)}


def test_every_module_named_in_a_string_is_there():
    named = named_modules() - {"celestial.no_such_part"}  # of test_imports.py
    assert {"celestial.pictures.quiet_decoders", "celestial.blind.isolated_run"} <= named
    for name in named:
        module, _, member = name.rpartition(".")
        assert find_module(name) or (find_module(module) and member), name
    for name in (*DRAWN, *OUTLIERS):
        assert drawer(name).__module__.endswith(name)


def find_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def test_no_function_is_longer_than_a_screen():
    long = [f"{path.relative_to(ROOT)}:{node.name}" for path in CODE
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.end_lineno - node.lineno + 1 > LONGEST.get(node.name, LONG)]
    assert not long
