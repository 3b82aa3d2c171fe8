package dev.sluice.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What may be asked for and what it selects. */
class SubscribeRequestTest {

  private static boolean selects(
      @Nullable List<String> types, @Nullable List<String> ids, String type, String subject) {
    return new EventFilter(SubscribeRequest.EVERYTHING.withFilters(types, ids))
        .test(new Topic(type, subject));
  }

  @ParameterizedTest
  @CsvSource({
    "McpServer*, McpServerStopped, true",
    "*Stopped, McpServerStopped, true",
    "*Server*ed, McpServerStopped, true",
    "*, GroupCreated, true",
    "McpServer*, GroupCreated, false",
    "McpServer, McpServerStopped, false",
    "M*cp*S*X, McpServerStopped, false",
    "McpServerStopped, McpServerStopped, true",
    "mcpserverstopped, McpServerStopped, false",
    "McpServerDiscovered, ProviderDiscovered, true",
    "ProviderDiscovered, ProviderDiscovered, true",
    "McpServerRegistered, ProviderRegistered, true",
    "McpServerDeregistered, ProviderDeregistered, true",
    "Provider*, ProviderDeregistered, true",
    "McpServerD*, ProviderDeregistered, true",
  })
  void aPatternSelectsTypes(String pattern, String type, boolean selected) {
    assertThat(selects(List.of(pattern), null, type, "x")).isEqualTo(selected);
  }

  @Test
  void anAbsentListSelectsAllAndAnEmptyOneNothing() {
    assertThat(selects(null, null, "A", "b")).isTrue();
    assertThat(selects(List.of(), null, "A", "b")).isFalse();
    assertThat(selects(null, List.of(), "A", "b")).isFalse();
  }

  @Test
  void bothAxesMustAgree() {
    assertThat(selects(List.of("A"), List.of("b", "c"), "A", "c")).isTrue();
    assertThat(selects(List.of("A"), List.of("b"), "A", "c")).isFalse();
    assertThat(selects(List.of("B"), List.of("c"), "A", "c")).isFalse();
  }

  @Test
  void aRequestThatGoesTooFarIsRefusedWithTheNameOfTheField() {
    SubscribeRequest any = SubscribeRequest.EVERYTHING;
    assertThatThrownBy(() -> any.withFilters(Collections.nCopies(257, "x"), null))
        .hasMessageContaining("event_types")
        .hasMessageContaining("256");
    assertThatThrownBy(() -> any.withFilters(null, List.of("x".repeat(129))))
        .hasMessageContaining("mcp_server_ids")
        .hasMessageContaining("128");
    assertThatThrownBy(() -> any.withQueueSize(0)).hasMessageContaining("queue_size");
    assertThatThrownBy(() -> any.withQueueSize(65_537)).hasMessageContaining("65536");
    assertThatThrownBy(() -> new SubscribeRequest(null, null, null, null, null, 17 << 20))
        .hasMessageContaining("queue_bytes");
    assertThatThrownBy(() -> DeliveryPolicy.parse("drop-newest"))
        .hasMessageContaining("policy")
        .hasMessageContaining("drop-oldest");
  }

  @Test
  void sinceHasFourForms() {
    assertThat(Since.parse("earliest")).isEqualTo(new Since.Earliest());
    assertThat(Since.parse("live")).isEqualTo(new Since.Live());
    assertThat(Since.parse("e1-a:42")).isEqualTo(new Since.After(new EventId("e1-a", 42)));
    assertThat(Since.parse("2026-11-20T16:31:23.5+01:00"))
        .isEqualTo(new Since.At(Instant.parse("2026-11-20T15:31:23.5Z")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "yesterday", "a:b", ":1", "a:-1", "2026-11-20", "a:99999999999999999999"})
  void sinceRefusesAnythingElse(String text) {
    assertThatThrownBy(() -> Since.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("since must be");
  }

  @Test
  void aFollowingRequestKeepsPolicyAndSizeAndReplacesBothFilters() {
    SubscribeRequest first =
        new SubscribeRequest(
            List.of("A"), List.of("b"), new Since.Earliest(), DeliveryPolicy.CONFLATE, 7, 5000);
    SubscribeRequest merged = SubscribeRequest.EVERYTHING.over(first);
    assertThat(merged)
        .isEqualTo(new SubscribeRequest(null, null, null, DeliveryPolicy.CONFLATE, 7, 5000));
  }
}
