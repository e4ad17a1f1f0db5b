"""TIFF of every photometry, sample type and packing.

in: a TIFF file; out: RGB of the page that is the picture.

tiff_tags: Reads what the tags of a TIFF say of its pages.
tiff_pages: Chooses the page of a TIFF that is the picture, and says why a page cannot be read.
tiff_pixels: Reads the samples of a TIFF with libvips, reduced, and turns them into colours as its
    tags say.
tiff_colours: Turns the samples of a TIFF into 8-bit sRGB, by the formulas of TIFF 6.0 (Adobe,
    1992).
"""
