"""TIFF of every photometry, sample type and packing.

in: a TIFF file; out: RGB of the page that is the picture.

tiff_colours: The samples of a TIFF -> 8 bits in sRGB, by the formulas of TIFF Revision 6.0
    (Adobe, 1992).
tiff_pages: Which page of a TIFF is the picture, and which pages cannot be read, with the reason.
tiff_pixels: TIFF: the samples as libvips unpacks them, reduced on the way, and what their tags
    make of them.
tiff_tags: What the tags of a TIFF say.
"""
