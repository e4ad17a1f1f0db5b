"""A decoded Pillow image of any mode -> RGB as a screen shows it."""

import io

from PIL import Image, ImageCms

# How a mode's colours are called in the header of an ICC profile.
SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}


def to_rgb(image: Image.Image) -> Image.Image:
    """Return an image of mode RGB: colours in sRGB, transparent parts over black."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        over_black = Image.new("RGB", image.size)
        over_black.paste(_to_srgb(image.convert("RGB"), image), mask=image.getchannel("A"))
        return over_black
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
            pass  # the colours are a little off then, which is better than no picture
    return image if image.mode == "RGB" else image.convert("RGB")  # no copy of a large one
