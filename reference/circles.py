"""The article's data: points in the plane whose two classes form circles, one inside the other.

No sine and no cosine, whose last bit depends on the processor: a direction is a random point of the disc, divided by
its distance from the middle.
"""

import numpy as np

from reference import draws


def circles(
    n: int, seed: int, purpose: str = "train", *, radii: tuple[float, float] = (1.0, 0.5), noise: float = 0.05
) -> tuple[np.ndarray, np.ndarray]:
    """X and Y: points on two circles, labels 0, 1, 0, 1, …, moved by noise of this standard deviation.

    Label 0 lies on the circle of the first radius, label 1 on that of the second. More points begin with the same
    points, and two purposes share none.

    Shapes: X (2, n), Y (1, n); float64 arrays that hold float32 numbers, so that both precisions start alike.
    """
    Y = (np.arange(n) % 2).astype(np.float64)[None]  # (1, n)
    radius = np.where(Y == 0, radii[0], radii[1])  # (1, n)
    X = radius * directions(draws.stream(seed, f"circles, {purpose}: directions"), n)  # (2, n)
    X = X + noise * draws.noise(draws.stream(seed, f"circles, {purpose}: noise"), n, 2).T
    return X.astype(np.float32).astype(np.float64, order="C"), Y


def directions(stream: np.random.PCG64, n: int) -> np.ndarray:
    """Points of the unit circle, each direction as likely as any other.

    Points of the square are drawn until n of them lie in the disc; those nearer to the middle than 1/8, whose direction
    hangs on few bits, are left out too. What is drawn beyond the n-th is thrown away.

    Shapes: (2, n).
    """
    found = np.empty((2, 0))
    while found.shape[1] < n:
        x, y = 2.0 * draws.uniform(stream, n, 2).T - 1.0
        length = np.sqrt(x * x + y * y)
        kept = (length >= 0.125) & (length <= 1.0)
        found = np.concatenate([found, np.stack([x[kept], y[kept]]) / length[kept]], axis=1)
    return found[:, :n]
