"""What the numbered scripts share, in rooms: a room a step of a picture's way, in this order.

A room imports from the rooms before it, never from one behind it, and no module imports a script.

common: the terminal, files, folders
pictures: any file -> RGB -> the network's square
data: folders and archives -> groups, splits, batches
models: first weights, networks, checkpoints
inference: batches -> calibrated probabilities
training: train and val -> a checkpoint
evaluation: answers -> figures with intervals
drawing: figures, cards, sheets, the report
blind: has it learned the content?
web: the same Predictor as a Flask application
renderer: facts of physics, or maps -> pictures
"""

__version__ = "0.1.0"
