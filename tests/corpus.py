"""Files of every format, drawn here; damaged_files.py breaks them."""

import bz2
import gzip
import io
from dataclasses import dataclass

import numpy as np
import pillow_heif
import pyvips
from astropy.io import fits
from conftest import draw
from PIL import Image

LOSSLESS = 0.6  # mean absolute difference in levels: 16 bits and floats are rounded to 8
LOSSY = 5.0  # the drawn noise is what such formats leave out


@dataclass(frozen=True)
class Whole:
    """A good file.

    Attributes:
        data: its bytes.
        picture: what it shows, uint8 (height, width, 3).
        tolerance: mean absolute difference allowed, levels.
    """

    data: bytes
    picture: np.ndarray
    tolerance: float = LOSSLESS


def whole_files() -> dict[str, Whole]:
    """Draw one picture and return it as a file of every format, by name."""
    pillow_heif.register_heif_opener()
    picture = draw("saturn", 3, side=64)[:52]
    return {**_jpeg(picture), **_png(picture), **_other_pillow(picture), **_tiff(picture),
            **_deep(picture), **_fits(picture)}


def saved(picture: np.ndarray | Image.Image, form: str = "PNG", **options) -> bytes:
    """Return the bytes of the file that Pillow writes."""
    buffer = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(buffer, form, **options)
    return buffer.getvalue()


def _vips(values: np.ndarray) -> pyvips.Image:
    return pyvips.Image.new_from_array(np.ascontiguousarray(values))


def _grey(picture: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).convert("L"))


def _shown(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[:, :, None], 3, axis=2)


def _wide_gamut(picture: np.ndarray) -> pyvips.Image:
    return _vips(picture).icc_transform("p3", input_profile="srgb")


def _jpeg(picture: np.ndarray) -> dict[str, Whole]:
    grey = _grey(picture)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn to the right
    turned = np.rot90(picture)
    cmyk = Image.fromarray(picture).convert("CMYK")
    fine = {"quality": 95, "subsampling": 0}
    return {name: Whole(data, shown, LOSSY) for name, data, shown in [
        ("jpeg.jpg", saved(picture, "JPEG", **fine), picture),
        ("jpeg coarse.jpg", saved(picture, "JPEG", quality=85), picture),
        ("jpeg progressive.jpg", saved(picture, "JPEG", progressive=True, **fine), picture),
        ("jpeg grey.jpg", saved(grey, "JPEG", **fine), _shown(grey)),
        ("jpeg cmyk.jpg", saved(cmyk, "JPEG", **fine), picture),
        ("jpeg icc.jpg", _wide_gamut(picture).jpegsave_buffer(Q=95), picture),
        ("jpeg rotated.jpg", saved(turned, "JPEG", exif=exif, **fine), picture)]}


def _png(picture: np.ndarray) -> dict[str, Whole]:
    grey = _grey(picture)
    palette = Image.fromarray(picture).quantize(200)
    two = Image.fromarray(picture).convert("1")
    hidden = np.dstack([np.where(_mask(picture), picture, 255), 255 * _mask(picture)])
    return {
        "png.png": Whole(saved(picture, "PNG"), picture),
        "png grey.png": Whole(saved(grey, "PNG"), _shown(grey)),
        "png palette.png": Whole(saved(palette, "PNG"), np.asarray(palette.convert("RGB"))),
        "png two.png": Whole(saved(two, "PNG"), np.asarray(two.convert("RGB"))),
        "png alpha.png": Whole(saved(np.uint8(hidden), "PNG"), picture * _mask(picture)),
        "png interlaced.png": Whole(_vips(picture).pngsave_buffer(interlace=True), picture),
        "png icc.png": Whole(_wide_gamut(picture).pngsave_buffer(), picture)}


def _mask(picture: np.ndarray) -> np.ndarray:
    mask = np.zeros((*picture.shape[:2], 1), np.uint8)
    mask[8:-8, 8:-8] = 1
    return mask


def _other_pillow(picture: np.ndarray) -> dict[str, Whole]:
    palette = Image.fromarray(picture).quantize(200)
    other = Image.fromarray(picture[::-1]).quantize(200)
    shown = np.asarray(palette.convert("RGB"))
    grey = _grey(picture)
    ascii_grey = f"P2\n# drawn\n{grey.shape[1]} {grey.shape[0]}\n255\n" + "\n".join(
        " ".join(map(str, row)) for row in grey)
    return {
        "webp.webp": Whole(saved(picture, "WEBP", quality=95), picture, LOSSY),
        "webp lossless.webp": Whole(saved(picture, "WEBP", lossless=True), picture),
        "avif.avif": Whole(saved(picture, "AVIF", quality=95, speed=9), picture, LOSSY),
        "heic.heic": Whole(saved(picture, "HEIF", quality=95), picture, LOSSY),
        "gif.gif": Whole(saved(palette, "GIF"), shown),
        "gif animated.gif": Whole(saved(palette, "GIF", save_all=True,
                                        append_images=[other, palette]), shown),
        "bmp.bmp": Whole(saved(picture, "BMP"), picture),
        "bmp palette.bmp": Whole(saved(palette, "BMP"), shown),
        "jpeg 2000.jp2": Whole(saved(picture, "JPEG2000"), picture),
        "jpeg 2000 lossy.jp2": Whole(saved(picture, "JPEG2000", irreversible=True,
                                           quality_layers=[8]), picture, LOSSY),
        "jpeg 2000 stream.j2k": Whole(saved(picture, "JPEG2000", no_jp2=True), picture),
        "ppm.ppm": Whole(saved(picture, "PPM"), picture),
        "pgm.pgm": Whole(saved(grey, "PPM"), _shown(grey)),
        "pgm ascii.pgm": Whole(ascii_grey.encode(), _shown(grey)),
        "tga.tga": Whole(saved(picture, "TGA"), picture),
        "ico.ico": Whole(saved(picture, "ICO", sizes=[(64, 52)]), picture),
        "ico bmp.ico": Whole(saved(picture, "ICO", sizes=[(64, 52)], bitmap_format="bmp"),
                             picture),
        "tga packed.tga": Whole(saved(picture, "TGA", compression="tga_rle"), picture)}


def _tiff(picture: np.ndarray) -> dict[str, Whole]:
    palette = Image.fromarray(picture).quantize(200)
    grey = _grey(picture)
    preview = Image.fromarray(picture[::4, ::4])
    pages = {"save_all": True, "append_images": [Image.fromarray(picture)]}
    packed = {f"tiff {name}.tif": Whole(saved(picture, "TIFF", compression=compression), picture)
              for name, compression in (("raw", None), ("lzw", "tiff_lzw"),
                                        ("deflate", "tiff_adobe_deflate"),
                                        ("packbits", "packbits"))}
    floats = np.float32(picture / 255)
    return {
        **packed,
        "tiff jpeg.tif": Whole(saved(picture, "TIFF", compression="jpeg", quality=95), picture,
                               LOSSY),
        "tiff tiled.tif": Whole(_vips(picture).tiffsave_buffer(
            tile=True, tile_width=16, tile_height=16, compression="deflate"), picture),
        "tiff big.tif": Whole(_vips(picture).tiffsave_buffer(bigtiff=True), picture),
        "tiff palette.tif": Whole(saved(palette, "TIFF"), np.asarray(palette.convert("RGB"))),
        "tiff cmyk.tif": Whole(saved(Image.fromarray(picture).convert("CMYK"), "TIFF"), picture),
        "tiff icc.tif": Whole(_wide_gamut(picture).tiffsave_buffer(), picture),
        "tiff pages.tif": Whole(saved(preview, "TIFF", **pages), picture),
        "tiff grey float.tif": Whole(saved(np.float32(grey / 255), "TIFF"), _shown(grey)),
        "tiff colour float.tif": Whole(_vips(floats).tiffsave_buffer(compression="lzw"), picture),
        "tiff two.tif": Whole(saved(Image.fromarray(picture).convert("1"), "TIFF",
                                    compression="group4"),
                              np.asarray(Image.fromarray(picture).convert("1").convert("RGB")))}


def _deep(picture: np.ndarray) -> dict[str, Whole]:
    deep, grey = picture.astype(np.uint16) * 257, _grey(picture)
    deep_grey = grey.astype(np.uint16) * 257
    height, width = grey.shape
    return {
        "png 16 bits.png": Whole(
            _vips(deep).copy(interpretation="rgb16").pngsave_buffer(), picture),
        "png grey 16 bits.png": Whole(saved(deep_grey, "PNG"), _shown(grey)),
        "tiff 16 bits.tif": Whole(_vips(deep).tiffsave_buffer(compression="lzw"), picture),
        "tiff grey 16 bits.tif": Whole(saved(deep_grey, "TIFF"), _shown(grey)),
        "jpeg 2000 16 bits.jp2": Whole(saved(deep_grey, "JPEG2000"), _shown(grey)),
        "ppm 16 bits.ppm": Whole(b"P6 %d %d 65535\n" % (width, height)
                                 + deep.astype(">u2").tobytes(), picture),
        "pgm 16 bits.pgm": Whole(b"P5 %d %d 65535\n" % (width, height)
                                 + deep_grey.astype(">u2").tobytes(), _shown(grey))}


def _fits(picture: np.ndarray) -> dict[str, Whole]:
    grey = _grey(picture)
    shown = _shown(grey)
    deep = grey.astype(np.uint16) * 257
    holes = np.float64(grey / 255)
    holes[:4] = np.nan
    with_holes = shown.copy()
    with_holes[:4] = 0
    blank = fits.PrimaryHDU(grey.astype(np.int32) * 257)
    blank.data[:4] = -99
    blank.header["BLANK"] = -99
    second = fits.HDUList([fits.PrimaryHDU(), table(), fits.ImageHDU(deep)])
    packed = fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(deep, compression_type="RICE_1")])
    plain = fits_bytes(deep)
    return {name: Whole(data, of, LOSSLESS) for name, data, of in [
        ("fits 8 bits.fits", fits_bytes(grey), shown),
        ("fits int16.fits", fits_bytes(grey.astype(np.int16)), shown),
        ("fits uint16.fits", plain, shown),
        ("fits float32.fits", fits_bytes(np.float32(grey / 255)), shown),
        ("fits float64 nan.fits", fits_bytes(holes), with_holes),
        ("fits blank.fits", fits_bytes(blank), with_holes),
        ("fits cube.fits", fits_bytes(np.moveaxis(picture, -1, 0).astype(np.uint16) * 257),
         picture),
        ("fits extensions.fits", fits_bytes(second), shown),
        ("fits packed.fits.fz", fits_bytes(packed), shown),
        ("fits gzip.fits.gz", gzip.compress(plain, mtime=0), shown),
        ("fits bzip2.fits.bz2", bz2.compress(plain), shown)]}


def table() -> fits.BinTableHDU:
    return fits.BinTableHDU.from_columns([fits.Column("flux", "E", array=np.zeros(3))])


def fits_bytes(content: np.ndarray | fits.PrimaryHDU | fits.HDUList) -> bytes:
    buffer = io.BytesIO()
    (fits.PrimaryHDU(content) if isinstance(content, np.ndarray) else content).writeto(buffer)
    return buffer.getvalue()


def same(found: np.ndarray, file: Whole) -> bool:
    """Tell whether a decoded picture is the drawn one."""
    return (found.shape == file.picture.shape
            and np.abs(found.astype(float) - file.picture).mean() <= file.tolerance)
