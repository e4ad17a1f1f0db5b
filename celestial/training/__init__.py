"""train and val become a checkpoint.

in: two splits and a network; out: its best weights on val, and the history of how it got there.

Four classes do it, in this order. `TrainingData` holds the decoded pictures and makes batches of
them. A function of stages.py takes it and the network and returns a `Stage`, which says what
learns, at which rates, for how many epochs and from which batches. The `Trainer` is given one stage
after the other. For each it makes a `Learner`, which holds the optimizer and the average of the
weights, and takes the steps of an epoch. After each epoch the `Trainer` measures the average on val
and keeps the best in its `Progress`, which it writes to a file, so that a killed training goes on.

augmentation: Random views of training pictures, a whole batch at once on the device that learns
    from it.
distributed: Training in several processes, on one machine or many, as torchrun starts them.
features: The pooled features of frozen backbones, computed once and kept, from which a head learns.
finishing: Makes a checkpoint of a finished training: its weights, what val says, what it has
    seen.
learner: How the network of one stage learns: the optimizer's steps, the rate, the weights' average.
loss: What a network is taught: the loss of known classes of unequal size, and of outliers.
present_model: The model that a training goes on from: its network and preparation, and what it has
    seen.
progress: How far a training has come: the figures of its epochs, its best weights, the state it is
    in.
sampler: Which process learns from which pictures, where each picture lies with one process alone.
stages: The stages of a training: what learns in each, at which rate, and from which batches.
trainer: A training from its first stage to its last: epochs, the best weights, stopping and
    resuming.
training_data: The decoded pictures of a training, and the batches that it learns from and is
    measured on.
"""
