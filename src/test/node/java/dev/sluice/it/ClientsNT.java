package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The clients of the official TypeScript SDK, v1 and v2, unmodified and over each of their
 * transports: {@code programme.js} in {@code src/test/node/reference} says what they do. None may
 * meet an error, and neither may the hub.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ClientsNT {

  private static final Path RESULTS =
      NodeReference.TARGET.resolve("clients-" + System.getProperty("sluice.test.server"));
  private static final Pattern TROUBLE =
      Pattern.compile("SLUICE-|\\b(WARN|WARNING|ERROR|SEVERE|FATAL)\\b");

  /** WildFly tells this of each stream that is ended when its peer has left already. */
  private static final String ENDED_AFTER_ITS_PEER = "UT005088";

  private static final String LAST_STEP = "close";

  private NodeReference reference;

  @BeforeAll
  void start() throws Exception {
    reference = new NodeReference(RESULTS);
  }

  @AfterAll
  void stop() throws Exception {
    if (reference != null) {
      reference.stop();
    }
  }

  private void run(String client, String kind, String url) throws Exception {
    Path log = Files.createTempFile(RESULTS, client + "-" + kind, ".log");
    int exit =
        NodeReference.run(
            log, List.of(NodeReference.NODE.toString(), client + ".js", kind, url), 90);
    assertThat(exit).as(Files.readString(log)).isZero();
    assertThat(Files.readAllLines(log)).endsWith(LAST_STEP);
    assertThat(reference.complaints()).isEmpty();
  }

  private String url(String kind, String upstream) {
    String path = "mcp/" + upstream;
    return switch (kind) {
      case "sse" -> reference.hub().base().resolve(path + "/sse").toString();
      case "ws" -> "ws" + reference.hub().base().resolve(path + "/ws").toString().substring(4);
      default -> reference.hub().base().resolve(path).toString();
    };
  }

  /** What the hub and its server logged since then, and should not have. */
  private List<String> troubles(int since) {
    return reference
        .hub()
        .log()
        .substring(since)
        .lines()
        .filter(line -> TROUBLE.matcher(line).find() && !line.contains(ENDED_AFTER_ITS_PEER))
        .toList();
  }

  private long children() {
    return reference
        .hub()
        .handle()
        .descendants()
        .filter(
            child ->
                child.info().arguments().stream()
                    .flatMap(Arrays::stream)
                    .anyMatch(argument -> argument.endsWith("stdio.js")))
        .count();
  }

  /** What the programme itself demands of a server, the server fulfils. */
  @ParameterizedTest
  @CsvSource({"client-v1, http", "client-v2, http", "client-v2, modern", "client-v2, auto"})
  void theReferenceServerItselfIsWhatTheClientsExpect(String client, String kind) throws Exception {
    run(client, kind, reference.url());
  }

  @ParameterizedTest
  @CsvSource({
    "client-v1, http, http",
    "client-v1, http, stdio",
    "client-v1, sse, http",
    "client-v1, sse, stdio",
    "client-v1, ws, http",
    "client-v1, ws, stdio",
    "client-v2, http, http",
    "client-v2, http, stdio",
    "client-v2, sse, http",
    "client-v2, sse, stdio"
  })
  void aClientWithASessionMeetsNoErrorAndLeavesNothing(String client, String kind, String upstream)
      throws Exception {
    long before = children();
    int said = reference.hub().log().length();
    run(client, kind, url(kind, upstream));
    await().atMost(Duration.ofSeconds(10)).until(() -> children() == before);
    assertThat(troubles(said)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "client-v2, modern, http",
    "client-v2, modern, stdio",
    "client-v2, auto, http",
    "client-v2, auto, stdio"
  })
  void aClientOfTheStatelessEraMeetsNoError(String client, String kind, String upstream)
      throws Exception {
    int said = reference.hub().log().length();
    run(client, kind, url(kind, upstream));
    assertThat(troubles(said)).isEmpty();
  }
}
