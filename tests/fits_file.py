"""FITS files as astropy writes them."""

import io

import numpy as np
from astropy.io import fits


def as_fits(*images: np.ndarray | None, names: tuple[str, ...] = (), **cards) -> bytes:
    """Return a file of images, cards in the first one's header; the others have names."""
    hdus = fits.HDUList([fits.PrimaryHDU(images[0])])
    hdus[0].header.update(cards)
    hdus.extend(fits.ImageHDU(image, name=name)
                for image, name in zip(images[1:], names, strict=True))
    buffer = io.BytesIO()
    hdus.writeto(buffer)
    return buffer.getvalue()
