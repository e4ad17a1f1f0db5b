"""train and val become a checkpoint.

in: two splits and a network; out: its best weights on val, and the history of how it got there.

augmentation: Random views of training pictures, a whole batch at once on the device that learns
    from it.
distributed: Training in several processes, on one machine or many, as torchrun starts them.
loss: What a network is taught: the loss of known classes of unequal size, and of outliers.
stages: The stages of a training: what learns in each, at which rate, and from which batches.
trainer: How a network learns: stages, epochs, the average of its weights, stopping and resuming.
"""
