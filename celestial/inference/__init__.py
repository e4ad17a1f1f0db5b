"""Turns batches of squares into calibrated probabilities.

in: a checkpoint and pictures; out: a `Prediction` for each picture: probabilities, known_score,
accepted.

predictor: Turns pictures into calibrated probabilities, in the same way for every script.
views: Turns and mirrors a square: the views whose logits are averaged.
engines: Computes a network's outputs with torch, or with OpenVINO where that is installed.
onnx_engine: Computes a network's outputs with ONNX Runtime, where there is no torch.
onnx_export: Turns a checkpoint into an ONNX graph: preprocessing, network and temperature.
quantisation: Turns an exported graph into whole numbers of 8 bits, for less space and, on some
    CPUs, time.
devices: Chooses the device that the network runs on, and the precision.
freed_memory: Keeps freed memory in the process for the network's next layer (Linux with glibc).
streams: Sends several batches through a network at once, each in a thread of its own.
confidence: Fits the temperature, and the threshold of known_score that rejects pictures of no
    class.
fitting: Fits a checkpoint on val: temperatures, thresholds, figures.
ray_cluster: Predicts on a Ray cluster: a plan of parts, and a parquet file for each part.
"""
