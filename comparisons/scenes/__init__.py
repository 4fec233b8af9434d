"""Scenes: what figures need, computed from the traces and kept with the result, so that reports compute nothing."""
