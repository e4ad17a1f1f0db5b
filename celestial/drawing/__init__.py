"""Figures, cards, sheets and the report.

in: pictures, answers, figures; out: PNG files and one HTML page.

before_after: What cleaning changes: pictures as the network sees them with and without it, and
    its answers.
card_writer: Annotated pictures, drawn and written by the processes that decode, beside the
    network.
cards: Pictures with words on them, drawn with Pillow: rows of samples, framed cards, contact
    sheets.
explain: Grad-CAM, which place in a picture speaks for a class, and what single layers see in it.
figures: Every plot with axes; nothing else imports matplotlib.
fonts: Which font can draw a text: Pillow's own, one of the system's for Chinese and Korean, or
    none.
report: report.html: all that is known of a checkpoint, on one page to read from top to bottom.
sheets: The sheets of pictures that an evaluation draws: samples, mistakes, what the network looks
    at.
"""
