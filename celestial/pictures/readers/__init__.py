"""A reader a format: each knows what its files may hold, and what is wrong with them.

in: a file; out: `types.Picture`'s pixels, or an ImageError with the reason.

brands: ISO base media files, which say by their brands what they hold (ISO/IEC 14496-12, 4.3).
broken_off: What JPEG and PNG that break off share: how much of the picture came, and whether it
    will do.
fits_images: FITS: the first image of a file, read in strips so that a large one fits in memory.
icons: Icons (.ico): the largest of their pictures.
jpeg: A JPEG that breaks off, with an end (ITU-T T.81, annex B).
mosaics: Frames of colour cameras as they were recorded, one colour a pixel -> three colours.
pillow_images: The usual formats, read by Pillow.
png: A PNG that its decoder refuses, without what is wrong beside the picture (W3C, PNG, 3rd ed.).
raw_files: Is a file the raw file of a camera? What readers of pictures find in one is its
    thumbnail.
tiff/: TIFF of every photometry, sample type and packing.
types: What the readers of picture files share: what is wanted of a file, its limits, what comes
    out.
vips: Large PNG read strip by strip and reduced on the way, by libvips, and what TIFF shares with
    it.
"""
