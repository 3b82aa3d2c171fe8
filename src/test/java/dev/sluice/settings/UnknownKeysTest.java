package dev.sluice.settings;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class UnknownKeysTest {

  @Test
  void aMistypedKeyIsReportedWithTheNearestKnownOne() {
    assertThat(UnknownKeys.sentences(List.of("sluice.server.file", "java.home"), List.of()))
        .containsExactly("\"sluice.server.file\" (did you mean \"sluice.servers.file\"?)");
  }

  @Test
  void aMistypedVariableIsReportedWithTheNearestKnownOne() {
    assertThat(
            UnknownKeys.sentences(List.of("SLUICE_DATA_DIRR"), List.of("SLUICE_DATA_DIRR", "PATH")))
        .containsExactly("\"SLUICE_DATA_DIRR\" (did you mean \"SLUICE_DATA_DIR\"?)");
  }

  @Test
  void aKeyLikeNothingKnownIsReportedWithoutAGuess() {
    assertThat(UnknownKeys.sentences(List.of("sluice.zzzzzzzzzz"), List.of()))
        .containsExactly("\"sluice.zzzzzzzzzz\"");
  }

  @Test
  void knownKeysInEitherSpellingAreNotReported() {
    for (Setting setting : Setting.values()) {
      assertThat(UnknownKeys.sentences(List.of(setting.key()), List.of())).isEmpty();
      assertThat(
              UnknownKeys.sentences(
                  List.of(setting.variable(), setting.key()), List.of(setting.variable())))
          .isEmpty();
    }
  }

  @Test
  void aVariableThatTheConfigurationRespellsIsReportedOnce() {
    assertThat(
            UnknownKeys.sentences(
                List.of("SLUICE_NEW_KEY", "sluice.new.key"), List.of("SLUICE_NEW_KEY")))
        .hasSize(1);
  }
}
