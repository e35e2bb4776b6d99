package dev.fanfare.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class BackoffTest {
  @Test
  void the_bound_of_a_wait_doubles_from_100_ms_to_10_s_and_falls_back() {
    Backoff backoff = new Backoff(() -> 1);
    List<Long> bounds =
        Stream.generate(() -> backoff.next(Duration.ZERO).toMillis()).limit(9).toList();
    assertEquals(List.of(100L, 200L, 400L, 800L, 1_600L, 3_200L, 6_400L, 10_000L, 10_000L), bounds);
    backoff.reset();
    assertEquals(100, backoff.next(Duration.ZERO).toMillis());
  }

  @Test
  void a_wait_is_anything_below_its_bound_after_what_the_node_asked_for() {
    assertEquals(Duration.ZERO, new Backoff(() -> 0).next(Duration.ZERO));
    assertEquals(Duration.ofMillis(2_050), new Backoff(() -> 0.5).next(Duration.ofSeconds(2)));
  }

  @Test
  void a_call_is_tried_again_as_the_service_config_says() {
    Map<?, ?> method = (Map<?, ?>) ((List<?>) ServiceConfig.MAP.get("methodConfig")).get(0);
    Map<?, ?> policy = (Map<?, ?>) method.get("retryPolicy");
    assertEquals(5.0, policy.get("maxAttempts"));
    assertEquals(List.of("UNAVAILABLE"), policy.get("retryableStatusCodes"));
  }
}
