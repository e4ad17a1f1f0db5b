"""Draws figures, cards, sheets and the report.

in: pictures, answers, figures; out: PNG files and one HTML page.

fonts: Finds a font that can draw a text: Pillow's own, or a system's for Chinese and Korean.
cards: Draws pictures with words on them, with Pillow: rows of samples, framed cards, contact
    sheets.
dataset_sheets: Draws the sheets of a dataset: its first training pictures, and its largest groups
    of copies.
card_writer: Draws and writes cards in the processes that decode, while the network computes.
explain: Draws Grad-CAM, the places in a picture that speak for a class, and activations of
    layers.
before_after: Draws what cleaning changes: the network's input without and with it, and both
    answers.
figures: Draws every plot with axes; no other module of this room imports matplotlib.
sheets: Draws an evaluation's sheets of pictures: samples, mistakes, doubtful labels, Grad-CAM.
report: Writes report.html: all that was measured of a checkpoint, on one page.
"""
