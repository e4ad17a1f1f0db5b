"""Reads and writes folders on a disk, in S3 or in Google Cloud Storage, with pyarrow."""

import io
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pyarrow import ArrowException
from pyarrow.fs import FileSelector, FileSystem, FileType, LocalFileSystem

from celestial.common.console import UserError
from celestial.common.file_names import display_name
from celestial.common.files import atomic_path
from celestial.common.left_behind import LARGEST_NOTE, holds_answers, is_answer, is_no_picture


@dataclass(frozen=True)
class Folder:
    """A folder on a disk or in a storage; each process opens it by its address.

    Attributes:
        address: a path, or a URI such as s3://bucket/pictures?region=eu-north-1 (pyarrow's
            parameters; keys come from where the cloud's own tools look for them).
        system: pyarrow's file system.
        path: of the folder in that file system.
    """

    address: str
    system: FileSystem
    path: str

    @classmethod
    def at(cls, address: str) -> "Folder":
        """Open a folder, which need not exist yet.

        Raises:
            UserError: the address is not understood, or cannot be reached.
        """
        if "://" not in address:
            path = Path(address).resolve()
            return cls(str(path), LocalFileSystem(), str(path))
        try:
            system, path = FileSystem.from_uri(address)
        except (ArrowException, OSError, ValueError) as error:
            raise UserError(f"{address} cannot be opened: {error}; write a path, "
                            "s3://bucket/folder or gs://bucket/folder", status=2) from error
        return cls(address, system, path)

    @property
    def on_disk(self) -> bool:
        """Whether the folder lies on a disk, where it can be used without pyarrow."""
        return isinstance(self.system, LocalFileSystem)

    def names(self, leave_out: "Folder | None" = None) -> list[str]:
        """Return the files below, their paths relative to the folder, sorted.

        Args:
            leave_out: a folder of the same storage that is not entered.

        Raises:
            UserError: the storage does not answer, or refuses.
        """
        selector = FileSelector(self.path, recursive=True, allow_not_found=True)
        try:
            found = self.system.get_file_info(selector)
        except OSError as error:
            raise UserError(f"{display_name(self.address)} cannot be listed: {error}") from error
        left_out = f"{leave_out.path}/" if leave_out is not None else None
        return sorted(
            entry.path.removeprefix(self.path).lstrip("/") for entry in found
            if entry.type == FileType.File and not (left_out and entry.path.startswith(left_out)))

    def sort_names(self, leave_out: "Folder | None" = None) -> tuple[list[str], list[str]]:
        """Return the files below that may be pictures, and what is passed over.

        The rules are those of `files.sort_files`; argument and errors are those of `names`.
        """
        names = self.names(leave_out)
        inside = defaultdict(set)
        for name in names:
            inside[name.rpartition("/")[0]].add(name.rpartition("/")[2])
        answering = {folder for folder, files in inside.items()
                     if folder and holds_answers(files, partial(self._read_note, folder))}
        kept, passed_over = [], {}
        for name in names:
            parts = name.split("/")
            above = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
            first = next((path for path, part, below in zip(above, parts, [*parts[1:], ""],
                                                            strict=True)
                          if is_no_picture(part) or path in answering and is_answer(below)), None)
            if first is None:
                kept.append(name)
            else:
                passed_over[first] = None
        return kept, sorted(passed_over)

    def _read_note(self, folder: str, name: str) -> bytes:
        with self.system.open_input_stream(self.inside(f"{folder}/{name}")) as stream:
            return stream.read(LARGEST_NOTE)

    def inside(self, name: str) -> str:
        """Return the path, in the file system, of a file of the folder."""
        return f"{self.path}/{name}"

    def has(self, name: str) -> bool:
        """Say whether there is a file of this name."""
        return self.system.get_file_info(self.inside(name)).type == FileType.File

    def read(self, name: str) -> bytes:
        """Return the content of a small file."""
        with self.system.open_input_stream(self.inside(name)) as stream:
            return stream.read()

    def write(self, name: str, fill: Callable[[io.BytesIO], None]) -> None:
        """Write a file, whole or not at all; what is there under its name is replaced.

        Args:
            name: of the file.
            fill: writes the content.
        """
        content = io.BytesIO()
        fill(content)
        if self.on_disk:
            with atomic_path(Path(self.inside(name))) as temporary:
                temporary.write_bytes(content.getbuffer())
        else:  # a storage shows an object only when its last byte has arrived
            with self.system.open_output_stream(self.inside(name)) as stream:
                stream.write(content.getbuffer())
