package dev.sluice.servers.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PeerJsonTest {

  @Test
  void anObjectIsRead() {
    assertThat(PeerJson.object(" {\"a\":1E400}")).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "[]", "1", "null", "{", "{\"a\":1E99999999999999}", "{\"a\":-1e-99999999999}"})
  void whatJsonPCannotHoldIsNothing(String json) {
    assertThat(PeerJson.object(json)).isNull();
  }

  @Test
  void neitherIsANumberOfThousandsOfDigits() {
    assertThat(PeerJson.object("{\"a\":" + "7".repeat(2_000) + ".5}")).isNull();
    assertThat(PeerJson.object(null)).isNull();
  }
}
