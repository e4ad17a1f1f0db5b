"""Answers become figures with intervals.

in: a model's answers and the truth; out: figures, each with its 95 % interval.

answer_tables: Tables of what one model answers: predictions.csv and classification_report.csv.
answers: The figures of one model on pictures whose classes are known: all of them, and the far
    ones.
calibration: Do the probabilities mean what they say? Expected calibration error, Brier score,
    their bins.
chance: Is it more than chance? Tests that exchange labels or models, and whole groups where there
    are.
comparison: Several models on the same pictures: who is better, and is it more than chance?
evaluated: Every file of a split as one model answers it, and the readable ones beside what is true.
label_check: Which labels are wrong? The pictures whose label the model doubts most.
metrics: Figures of a classifier, each with its 95 % confidence interval.
rejection: Are pictures that are none of the classes told apart from the known ones?
seen_in_training: Which pictures has the model seen? Pictures compared with a checkpoint's lists.
"""
