"""The most memory that something takes at any time."""

import tracemalloc


def peak(work):
    """In bytes, beyond what was there."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
