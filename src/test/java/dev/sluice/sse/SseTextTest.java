package dev.sluice.sse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The bytes of server-sent events, as the HTML standard §9.2.6 reads them. */
class SseTextTest {

  private static String event(String id, String name, long retry, String data) {
    return new String(
        SseText.event(id, name, retry, data.getBytes(StandardCharsets.UTF_8)),
        StandardCharsets.UTF_8);
  }

  @Test
  void onlyThePartsThatAreThereAreWritten() {
    assertThat(event("", "", -1, "{}")).isEqualTo("data: {}\n\n");
    assertThat(event("e:1", "", -1, "{}")).isEqualTo("id: e:1\ndata: {}\n\n");
    assertThat(event("e:1", "goaway", 500, "{\"é\":\"👩‍👩‍👧\"}"))
        .isEqualTo("id: e:1\nevent: goaway\nretry: 500\ndata: {\"é\":\"👩‍👩‍👧\"}\n\n");
  }

  @Test
  void emptyDataIsAFieldNonetheless() {
    assertThat(event("1", "", 1000, "")).isEqualTo("id: 1\nretry: 1000\ndata: \n\n");
  }

  @Test
  void aCommentIsSkippedByClients() {
    assertThat(new String(SseText.comment("keep-alive"), StandardCharsets.UTF_8))
        .isEqualTo(": keep-alive\n\n");
    assertThat(new String(SseText.comment(""), StandardCharsets.UTF_8)).isEqualTo(":\n\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"a\nb", "a\rb", "\n"})
  void aLineEndInsideAFieldIsRefused(String broken) {
    assertThatThrownBy(() -> event(broken, "", -1, "{}"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> event("", broken, -1, "{}"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> event("", "", -1, broken))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> SseText.comment(broken)).isInstanceOf(IllegalArgumentException.class);
  }
}
