"""Implementations of one experiment, recorded, certified and compared."""
