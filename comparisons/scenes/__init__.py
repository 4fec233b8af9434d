"""Scenes: what figures need, computed once from the traces and kept with the result, so that reports compute nothing."""
