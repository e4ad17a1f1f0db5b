"""Batches become calibrated probabilities.

in: a checkpoint and pictures; out: a `Prediction` a picture: probabilities, known_score,
accepted.

confidence: Temperature, and the threshold below which a picture is none of the classes.
devices: Where the network runs, and in which precision.
engines: How a network computes: by torch, or by OpenVINO where that is installed.
fitting: What a checkpoint takes from val: temperatures, thresholds, figures.
freed_memory: Freed memory that stays with the process, for the network's next layer. Linux with
    glibc.
predictor: Predictor: pictures in, calibrated probabilities out, for every script.
ray_cluster: Prediction on a Ray cluster: a plan of parts, and a parquet file for each part.
streams: Several batches go through a network at once, each in a thread of its own.
views: The views of a square whose logits are averaged: its turns and mirror images.
"""
