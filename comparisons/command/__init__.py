"""The command line, `backproof`."""
