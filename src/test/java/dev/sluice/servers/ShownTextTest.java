package dev.sluice.servers;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShownTextTest {

  @ParameterizedTest
  @ValueSource(strings = {"", "Claude Code", "Überträger 1.0", "ツール", "👩‍👩‍👧 family"})
  void namesStayAsTheyAre(String name) {
    assertThat(ShownText.of(name, 128)).isEqualTo(name);
  }

  @Test
  void whatMovesCursorsOrTurnsTextIsReplaced() {
    assertThat(ShownText.of("a\r\nb\u001b[31m\u202ec\u2028\u0085\ud800!", 128))
        .isEqualTo("a\ufffd\ufffdb\ufffd[31m\ufffdc\ufffd\ufffd\ufffd!");
  }

  @Test
  void longNamesAreCutBetweenCharacters() {
    assertThat(ShownText.of("x".repeat(128), 128)).isEqualTo("x".repeat(128));
    assertThat(ShownText.of("x".repeat(129), 128)).isEqualTo("x".repeat(128) + "…");
    assertThat(ShownText.of("😀".repeat(129), 128)).isEqualTo("😀".repeat(128) + "…");
    assertThat(ShownText.of("😀".repeat(128), 128)).isEqualTo("😀".repeat(128));
  }
}
