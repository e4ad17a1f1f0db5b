"""What goes wrong with a picture file."""


class ImageError(Exception):
    """A file that is not a picture that can be read; the message is the reason, for a person."""
