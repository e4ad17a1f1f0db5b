"""XISF, the format of PixInsight (XISF 1.0, pixinsight.com/xisf).

in: an XISF file; out: RGB of its first image.

xisf_header: Finds the first image in the header of an XISF file.
xisf_blocks: Unpacks the pixels of an XISF image, never to more than its header says.
xisf_pixels: Reads the pixels of an XISF image in strips and shows them, stretched where they are
    linear.
"""
