"""Folders and archives become groups, splits and batches.

in: class folders, archives, addresses; out: a dataset whose splits share no copy, and arrays of
it.

archives: The two public archives: which pictures of a class they have, and under which licence.
copy_check: Are two pictures copies of each other? One is laid over the other, and the difference
    decides.
datasets: Split folders -> pictures as the network takes them, cached, and the batches made of
    these.
design_effect: How many independent pictures a set with groups is worth: fewer than it has.
downloads: Polite HTTP: pauses between requests, tries again when a host was busy, refuses large
    files.
fetched_folder: A folder of fetched pictures and its sources.csv: what was tried, kept, left out,
    and why.
fingerprint_distance: How far fingerprints are apart, over all eight orientations.
fingerprints: A fingerprint: 62 bytes that hold a picture's coarse shape and its colour.
groups: Copies, near-copies, label conflicts and the user's own groups among the pictures.
leaks: Is a picture of val or test a near-copy of a training picture? All pairs are looked at.
near_copies: Near-copies of a picture, and groups of them: fingerprints choose, then the pixels
    decide.
splits: From class folders to train, val and test: what is usable, what goes where, the manifest.
"""
