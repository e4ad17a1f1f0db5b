"""Networks, the weights they start from, and the checkpoints that they end in.

in: a network's name, weights, a checkpoint; out: a network that runs, or a checkpoint written.

backbones: The backbones: networks without their last layer, and what is known of each.
checkpoint_checks: Checks of a .pth file from a stranger: it must run no code, fill no memory and
    make sense.
checkpoints: The .pth file: what is in it, how it is written and read.
convolutions: What is done to the convolutions and BatchNorms of any network.
fitted: What every stored model has beside its weights, and whether that makes sense; without
    torch.
imagenet_networks: ImageNet's networks with their own last layer, which name everyday things in any
    picture.
networks: The networks: backbones under one head; what is frozen, what learns.
packaged_weights: ImageNet weights that come as a package of the Python package index.
start_weights: Where a backbone's first weights come from: pretrained/, ImageNet, a file, or
    nowhere.
timm_import: timm without what it imports for others: torch's compiler, its hub, ninety families
    of networks.
timm_networks: timm's networks by their names; what is known of each comes from timm itself.
torchvision_import: torchvision without torch's compiler, whose import takes three seconds and
    which nothing here uses.
"""
