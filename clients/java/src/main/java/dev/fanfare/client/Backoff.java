package dev.fanfare.client;

import java.time.Duration;
import java.util.function.DoubleSupplier;

/**
 * How long to wait before the next attempt: as the node asks, and a random time up to a bound that
 * doubles with each failure in a row. The chance keeps those who were cut together from coming back
 * together.
 */
final class Backoff {
  private static final double FIRST_BOUND_MILLIS = 100;
  private static final double LAST_BOUND_MILLIS = 10_000;

  private final DoubleSupplier random;
  private int failures;

  Backoff(DoubleSupplier random) {
    this.random = random;
  }

  Duration next(Duration asked) {
    double bound = Math.min(FIRST_BOUND_MILLIS * Math.pow(2, failures), LAST_BOUND_MILLIS);
    failures++;
    return asked.plusNanos((long) (bound * random.getAsDouble() * 1e6));
  }

  void reset() {
    failures = 0;
  }
}
