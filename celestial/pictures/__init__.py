"""Turns any picture file into the square that the network sees.

in: a file; out: uint8 RGB of the network's size, or the reason why there is none.

loader: Decodes any picture file to RGB, or raises one clear error: the only loader of the
    project.
every_frame: Lists the frames of recordings that were taken every so many seconds.
readers/: One reader for each file format; each knows its limits and how its files can be wrong.
colour: Turns a decoded Pillow image of any mode into RGB as a screen shows it.
borders: Finds the empty border that a stack, a mosaic or a turned frame has in its picture.
stretch: Turns deep pictures into 8 bits a channel, by one rule that the checkpoint remembers.
cleaning: Cleans a picture before a network sees it: noise, the colours' balance, faint light.
preprocessing: Turns a file into the network's input: the one preprocessing, the same in every
    script.
decoder_pool: Decoding in processes of their own: a file that kills or hangs its decoder costs one
    worker.
quiet_decoders: Silences stderr of the process that imports it: the server that forks the
    decoders.
"""
