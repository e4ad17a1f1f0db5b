"""Networks, the weights they start from, and the checkpoints that they end in.

in: a network's name, weights, a checkpoint; out: a network that runs, or a checkpoint written.

backbones: The backbones: networks without their last layer, and what is known of each.
checkpoint_checks: What a .pth file from a stranger must fulfil before it is used: no code, no
    bomb, no nonsense.
checkpoints: The .pth file: what is in it, how it is written and read.
convolutions: What is done to convolutions and BatchNorm in whatever network they stand.
imagenet_networks: ImageNet's networks as they are: a thousand everyday things, for any picture.
networks: The networks: backbones under one head; what is frozen, what learns.
packaged_weights: ImageNet weights that come as a package of the Python package index.
start_weights: Where a backbone's first weights come from: pretrained/, ImageNet, a file, or
    nowhere.
timm_import: timm without what it imports for others: torch's compiler, its hub, ninety families
    of networks.
timm_networks: timm's networks by their names: what timm itself tells of each takes the place of a
    table.
torchvision_import: torchvision without torch's compiler, whose import takes three seconds and
    which nothing here uses.
"""
