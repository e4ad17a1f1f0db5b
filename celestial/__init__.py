"""What the numbered scripts share, in rooms: one room for each step of a picture's way.

The rooms stand in the order of the steps. A room imports from the rooms above it, never from one
below it, and no module imports a script.

common: the terminal, files, folders
pictures: any file -> RGB -> the network's square
data: folders and archives -> groups, splits, batches
models: first weights, networks, checkpoints
inference: batches -> calibrated probabilities
training: train and val -> a checkpoint
evaluation: answers -> figures with intervals
drawing: figures, cards, sheets, the report
blind: tests whether a model has learned what the pictures show
web: the same Predictor as a Flask application
renderer: facts of physics, or maps -> pictures
"""

__version__ = "0.1.0"
