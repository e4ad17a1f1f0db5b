"""Lists the files of a folder that are to be classified, and keeps filed ones out of it."""

from pathlib import Path

from celestial.common import console
from celestial.common.console import UserError
from celestial.common.files import sort_files
from celestial.common.left_behind import say_passed_over

EXPLANATION = console.ROOT / "my_images" / "README.md"  # says what goes in; it gets no row


def list_pictures(place: Path, output_dir: Path) -> tuple[Path, list[Path]]:
    """Return a folder and every file below it, without what predict_my_images.py wrote.

    Args:
        place: the folder, or one file, which is predicted whatever its name is.
        output_dir: where the answers go.

    Raises:
        UserError: no such place, nothing in it, or the answers would lie among the pictures.
    """
    alone = place.is_file()
    if (place.parent if alone else place).resolve() == output_dir.resolve():
        raise UserError(f"{output_dir} holds the pictures themselves; choose another --output-dir",
                        status=2)
    if alone:
        return place.parent, [place]
    if not place.is_dir():
        raise UserError(f"there is no folder {place}, nor such a file; make it and put pictures "
                        "into it, or name another: python predict_my_images.py FOLDER")
    inside = place.resolve()
    files, passed_over = sort_files(place, leave_out=output_dir)
    say_passed_over(place, passed_over)
    files = [path for path in files if inside / path.relative_to(place) != EXPLANATION]
    if not files:
        but = "nothing but what was passed over" if passed_over else "nothing"
        raise UserError(f"{place} holds {but}; put pictures into it, or name another folder")
    return place, files


def require_apart(place: Path, folder: Path, option: str) -> None:
    """Refuse a folder for filed pictures that lies among the pictures, or holds them.

    Args:
        place: the folder of the pictures, or one picture.
        folder: where pictures are to be filed.
        option: that names it.

    Raises:
        UserError: the next run would take the filed pictures for new ones.
    """
    pictures, into = place.resolve(), folder.resolve()
    if pictures.is_relative_to(into):
        raise UserError(f"{folder} holds the pictures themselves; name another folder with "
                        f"{option}", status=2)
    if place.is_dir() and into.is_relative_to(pictures):
        raise UserError(f"{folder} lies among the pictures in {place}, where the next run would "
                        f"take its files for new ones; name a folder outside with {option}",
                        status=2)
