"""The built-in implementations: one file each, with one function `train(experiment)`."""
