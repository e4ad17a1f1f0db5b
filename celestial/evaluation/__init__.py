"""Turns answers into figures with intervals.

in: a model's answers and the truth; out: figures, each with its 95 % interval.

evaluated: Holds every file of a split as one model answers it, and the readable ones with the
    truth.
answers: Measures one model's answers on labelled pictures: on all of them, and on the far ones.
answer_tables: Writes the tables of one model: predictions.csv and classification_report.csv.
metrics: Computes the figures of a classifier, each with its 95 % confidence interval.
calibration: Measures whether the probabilities are right: expected calibration error, Brier
    score, bins.
rejection: Measures how well known_score tells outliers, pictures of no class, from known
    pictures.
chance: Tests whether an accuracy, or the difference of two models, is more than chance.
comparison: Compares models on the same pictures: which is better, and by more than chance or not.
agreement: Says how far the answers of an ONNX file are from those of the network that it was made
    of.
improvement: Tells whether a model that learned from corrections is better than the one it went on
    from.
seen_in_training: Finds pictures that a model has seen, by its checkpoint's lists of train and
    val.
label_check: Finds labels that may be wrong: those that a model doubts most.
"""
