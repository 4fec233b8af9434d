"""Contours: the lines on which a function of the plane has one value, interpolated between the points of a grid."""

from __future__ import annotations

from typing import cast

import numpy as np
from contourpy import LineType, contour_generator


def contours(x: np.ndarray, y: np.ndarray, z: np.ndarray, level: float) -> list[np.ndarray]:
    """Polylines of points, (k, 2) each; where z, (y, x), is not finite, there are none."""
    generator = contour_generator(x, y, np.ma.masked_invalid(z), line_type=LineType.Separate)
    return cast(list[np.ndarray], generator.lines(level))
