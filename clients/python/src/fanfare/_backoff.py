"""How long to wait before coming back."""

import random

FIRST = 0.1
LONGEST = 10.0


class Backoff:
    """Full jitter: anything between nothing and a bound that doubles.

    The chance keeps those who were cut together from coming back together.
    """

    def __init__(self) -> None:
        self._bound = FIRST

    def succeeded(self) -> None:
        self._bound = FIRST

    def next(self) -> float:
        """Seconds to wait after one more failure."""
        wait = random.uniform(0, self._bound)  # noqa: S311
        self._bound = min(2 * self._bound, LONGEST)
        return wait
