"""What the user got wrong."""


class UsageError(ValueError):
    """A mistake of the user's, said in one sentence; the command line prints it and exits 2."""
