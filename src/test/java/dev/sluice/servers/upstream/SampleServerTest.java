package dev.sluice.servers.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.servers.ServerDefinition.Transport;
import dev.sluice.servers.upstream.Rig.Heard;
import jakarta.json.JsonObject;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The sample that people try the hub with. */
@Timeout(60)
class SampleServerTest {

  private final Rig rig = new Rig();
  private final Heard heard = new Heard();

  @AfterEach
  void end() {
    rig.close();
  }

  private static String text(JsonObject result) {
    return result.getJsonArray("content").getJsonObject(0).getString("text");
  }

  @Test
  void runsFromItsSourceAndOffersItsTools() throws Exception {
    UpstreamClient client =
        rig.connect(
            Rig.definition(
                new Transport.Stdio(
                    Rig.JAVA,
                    List.of("SampleServer.java"),
                    Map.of(),
                    Optional.of(Path.of("server-config/samples").toAbsolutePath().toString()))),
            heard);
    assertThat(client.catalogue().tools())
        .extracting(tool -> tool.getString("name"))
        .containsExactly("echo", "add", "sleep", "fail", "environment", "crash");
    assertThat(client.catalogue().resources()).hasSize(1);
    assertThat(client.catalogue().prompts()).hasSize(1);
    assertThat(
            text(
                call(client, "echo", "{\"text\":\"gr\u00fc\u00df \\\"dich\\\" \uD83D\uDE00\\n\"}")))
        .isEqualTo("gr\u00fc\u00df \"dich\" \uD83D\uDE00\n");
    assertThat(text(call(client, "add", "{\"a\":0.1,\"b\":12345678901234567890}")))
        .isEqualTo("12345678901234567890.1");
    assertThat(call(client, "fail", "{\"message\":\"no\"}").getBoolean("isError")).isTrue();
    assertThat(text(call(client, "sleep", "{\"milliseconds\":1}"))).isEqualTo("slept 1 ms");
    assertThat(text(call(client, "environment", "{}"))).contains("PATH").doesNotContain("=");
    var crash = client.callTool("crash", Rig.json("{}"), Rig.SOON);
    Awaitility.await().atMost(Rig.SOON).until(() -> !heard.ends.isEmpty());
    assertThat(heard.ends).containsExactly("exited with code 1");
    assertThat(crash).failsWithin(Rig.SOON);
  }

  private static JsonObject call(UpstreamClient client, String tool, String arguments)
      throws Exception {
    return client.callTool(tool, Rig.json(arguments), Rig.SOON).get(20, TimeUnit.SECONDS);
  }
}
