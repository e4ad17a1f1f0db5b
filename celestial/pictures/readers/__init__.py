"""One reader for each file format; each knows its limits and how its files can be wrong.

in: a file; out: a `types.Decoded`, or an ImageError with the reason.

types: What all readers use: the request, the limits of a file, the decoded picture, the errors.
raw: Tells raw files of cameras, in which other readers would find a thumbnail, and reads them.
brands: Tells AVIF, HEIF and videos by the brands in their files (ISO/IEC 14496-12, 4.3), and AVI.
fits_images: Reads the first image of a FITS file, in strips so that a large one fits in memory.
mosaics: Reads frames in strips, reduced; of colour cameras one colour a pixel becomes three.
recordings/: SER and videos, files of many frames, of which one is the picture.
xisf/: XISF, the format of PixInsight.
tiff/: TIFF of every photometry, sample type and packing.
pillow_images: Reads the usual formats with Pillow.
vips: Reads large PNG strip by strip with libvips; its helpers serve TIFF as well.
icons: Takes the largest picture from an icon file (.ico).
broken_off: Says whether a JPEG or PNG that breaks off has enough sound rows.
jpeg: Gives a JPEG that breaks off an end (ITU-T T.81, annex B).
png: Repairs a PNG by leaving out what is damaged beside the picture (W3C, PNG, 3rd ed.).
"""
