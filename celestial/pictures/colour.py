"""Turns a decoded Pillow image of any mode into RGB as a screen shows it."""

import io

from PIL import Image, ImageCms

from celestial.pictures.readers.types import INVISIBLE, ImageError

# Pillow's mode -> the name of its colour space in the header of an ICC profile.
SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
# Programs that know no transparency leave its byte 0 in these, so we show the colours as browsers
# do.
OFTEN_WITHOUT_ALPHA = ("BMP", "TGA")


def to_rgb(image: Image.Image, form: str) -> Image.Image:
    """Return an image of mode RGB: colours in sRGB, transparent parts over black.

    Args:
        image: of any mode.
        form: the format of its file, as Pillow calls it.

    Raises:
        ImageError: every pixel is transparent, in a format whose transparency can be trusted.
    """
    if image.has_transparency_data:
        image = image.convert("RGBA")
        colours, alpha = _to_srgb(image.convert("RGB"), image), image.getchannel("A")
        if alpha.getbbox():
            over_black = Image.new("RGB", image.size)
            over_black.paste(colours, mask=alpha)
            return over_black
        if form in OFTEN_WITHOUT_ALPHA:
            return colours
        raise ImageError(INVISIBLE)
    if image.mode not in SPACES:
        image = image.convert("RGB")
    return _to_srgb(image, image)


def _to_srgb(image: Image.Image, original: Image.Image) -> Image.Image:
    """Apply the embedded profile; one that is damaged or of another colour space is ignored."""
    data = original.info.get("icc_profile")
    if data:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
            if (profile.profile.xcolor_space.strip() == SPACES[image.mode]
                    and "sRGB" not in ImageCms.getProfileDescription(profile)):
                return ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"),
                                                 outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            pass  # shown without the profile: colours a little off are better than no picture
    return image if image.mode == "RGB" else image.convert("RGB")  # convert would copy it
