"""Any file of a picture becomes the square that the network sees.

in: a file; out: uint8 RGB of the network's size, or the reason why there is none.

borders: The empty border of a frame: what a stack, a mosaic or a turned frame leaves around
    itself.
cleaning: Cleaning a picture before a network sees it: noise, the colours' balance, what is faint.
colour: A decoded Pillow image of any mode -> RGB as a screen shows it.
decoder_pool: Decoding in processes of their own: a file that kills or hangs its decoder costs one
    worker.
loader: Any picture file -> one RGB uint8 array, or one clear error. The only loader of the
    project.
preprocessing: From a file to the network's input: the one preprocessing, the same in every
    script.
quiet_decoders: Importing this silences a process for good: for the server that forks the
    decoders.
readers/: A reader a format: each knows what its files may hold, and what is wrong with them.
stretch: Deep pictures -> 8 bits a channel, by one declared rule that the checkpoint remembers.
"""
