package dev.sluice.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.servers.ServerDefinition.Transport;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class ServersDocumentTest {

  private static final DefinitionReader READER =
      new DefinitionReader(
          Variables.from(
              n -> Optional.ofNullable(Map.of("HOST", "example.org", "EMPTY", "").get(n))),
          Optional.of(Path.of("/etc/hub")));

  private static ServersDocument parse(String text) throws InvalidDefinition {
    return ServersDocument.parse(text.getBytes(StandardCharsets.UTF_8), READER);
  }

  private static InvalidDefinition refused(String text) {
    try {
      parse(text);
    } catch (InvalidDefinition invalid) {
      return invalid;
    }
    throw new AssertionError("was accepted: " + text);
  }

  private static ServerDefinition only(String text) throws InvalidDefinition {
    return parse(text).servers().values().iterator().next().definition();
  }

  @Test
  void readsTheDesktopFormatWithOurDefaults() throws Exception {
    ServerDefinition d =
        only(
            """
            {"mcpServers":{"math":{"command":"java","args":["Math.java"],"env":{"A":"b"}}}}
            """);
    assertThat(d.transport())
        .isEqualTo(
            new Transport.Stdio(
                "java", java.util.List.of("Math.java"), Map.of("A", "b"), Optional.of("/etc/hub")));
    assertThat(d.idleTtl()).isEqualTo(Duration.ofSeconds(300));
    assertThat(d.healthCheckInterval()).isEqualTo(Duration.ofSeconds(60));
    assertThat(d.maxConsecutiveFailures()).isEqualTo(3);
    assertThat(d.startTimeout()).isEqualTo(Duration.ofSeconds(30));
    assertThat(d.callTimeout()).isEqualTo(Duration.ofSeconds(30));
    assertThat(d.enabled()).isTrue();
    assertThat(d.autoStart()).isFalse();
    assertThat(d.limits()).isEqualTo(ServerDefinition.Limits.DEFAULT);
  }

  @Test
  void aRelativeWorkingDirectoryResolvesAgainstTheFile() throws Exception {
    ServerDefinition d =
        only(
            """
            {"mcpServers":{"a":{"command":"x","cwd":"../work"}}}
            """);
    assertThat(((Transport.Stdio) d.transport()).cwd()).contains("/etc/work");
  }

  @Test
  void theTypeOfARemoteServerIsGuessedFromItsAddress() throws Exception {
    assertThat(only(remote("https://h/mcp")).transport()).isInstanceOf(Transport.Http.class);
    assertThat(only(remote("https://h/x/sse")).transport()).isInstanceOf(Transport.Sse.class);
    assertThat(only(remote("ws://h/mcp")).transport()).isInstanceOf(Transport.Ws.class);
  }

  private static String remote(String url) {
    return "{\"mcpServers\":{\"r\":{\"url\":\"" + url + "\"}}}";
  }

  @Test
  void aNumberThatNobodyCanHoldIsRefusedWithItsPlace() {
    for (String number : java.util.List.of("9".repeat(5000), "1e99999999999")) {
      InvalidDefinition invalid =
          refused(
              "{\"mcpServers\":{\"a\":{\"command\":\"x\",\n\"idleTtlSeconds\":" + number + "}}}");
      assertThat(invalid.problem()).contains("number");
      assertThat(invalid.position().line()).isEqualTo(2);
    }
  }

  @Test
  void variablesAreExpandedWithDefaults() throws Exception {
    ServerDefinition d =
        only(
            """
            {"mcpServers":{"r":{"url":"https://${HOST}/${EMPTY:-mcp}","headers":{"X":"${NO:-1}$"}}}}
            """);
    Transport.Http http = (Transport.Http) d.transport();
    assertThat(http.url()).hasToString("https://example.org/mcp");
    assertThat(http.headers()).containsEntry("X", "1$");
  }

  @Test
  void aMissingVariableHurtsOnlyItsServer() throws Exception {
    ServersDocument document =
        parse(
            """
            {"mcpServers":{"a":{"command":"x","env":{"K":"${MISSING_KEY}"}},"b":{"command":"y"}}}
            """);
    assertThat(document.servers().get(new ServerId("a")).problem().orElse(""))
        .contains("MISSING_KEY is not set");
    assertThat(document.servers().get(new ServerId("b")).problem()).isEmpty();
  }

  @Test
  void aDisabledServerIsWrittenAsDesktopClientsDo() throws Exception {
    assertThat(only("{\"mcpServers\":{\"a\":{\"command\":\"x\",\"disabled\":true}}}").enabled())
        .isFalse();
  }

  @Test
  void anUnknownKeyIsReportedWithTheNearestName() throws Exception {
    ServersDocument document =
        parse(
            """
            {"mcpServers":{"a":{"command":"x",
              "idleTtlSecond":5,"zzzzzzzzzzzz":1}}}
            """);
    assertThat(document.warnings()).hasSize(2);
    assertThat(document.warnings().get(0))
        .contains("idleTtlSecond", "did you mean \"idleTtlSeconds\"?", "line 2");
    assertThat(document.warnings().get(1)).contains("zzzzzzzzzzzz").doesNotContain("did you mean");
  }

  @Test
  void brokenSyntaxNamesLineAndColumn() {
    InvalidDefinition broken = refused("{\"mcpServers\":{\n  \"a\": oops\n}}");
    assertThat(broken.errorType()).isEqualTo("syntax");
    assertThat(broken.position().line()).isEqualTo(2);
    assertThat(broken.position().column()).isBetween(7, 9);
  }

  @Test
  void aValueOutOfBoundsNamesFieldValueRangeAndPlace() {
    InvalidDefinition broken =
        refused("{\"mcpServers\":{\n \"a\":{\"command\":\"x\",\n  \"maxConsecutiveFailures\":0}}}");
    assertThat(broken.errorType()).isEqualTo("value");
    assertThat(broken.getMessage())
        .contains("server \"a\"", "maxConsecutiveFailures", "from 1 to 100", "was 0");
    assertThat(broken.position().line()).isEqualTo(3);
  }

  @Test
  void textAfterTheObjectIsRefused() {
    assertThat(refused("{} {}").errorType()).isEqualTo("syntax");
  }

  @Test
  void deepNestingIsRefusedWithoutExhaustingTheStack() {
    assertThat(refused("{\"a\":" + "[".repeat(5000) + "]".repeat(5000) + "}").getMessage())
        .contains("nested deeper");
  }

  @Test
  void invalidUtf8NamesItsPlace() {
    byte[] bytes = "{\n \"a\": \"?\"}".getBytes(StandardCharsets.UTF_8);
    bytes[9] = (byte) 0xff;
    assertThatThrownBy(() -> ServersDocument.parse(bytes, READER))
        .isInstanceOfSatisfying(
            InvalidDefinition.class,
            e -> {
              assertThat(e.errorType()).isEqualTo("encoding");
              assertThat(e.position()).isEqualTo(new LocatedJson.Position(2, 8));
            });
  }

  @Test
  void commandAndUrlTogetherAreRefused() {
    assertThat(refused("{\"mcpServers\":{\"a\":{\"command\":\"x\",\"url\":\"http://h\"}}}"))
        .hasMessageContaining("one of the two");
    assertThat(refused("{\"mcpServers\":{\"a\":{}}}")).hasMessageContaining("is missing");
  }

  @Test
  void groupsAreReadWithTheirMembers() throws Exception {
    GroupDefinition group =
        parse(
                """
                {"mcpServers":{"a":{"command":"x"}},
                 "groups":{"g":{"strategy":"priority","min_healthy":1,
                   "members":[{"id":"a","weight":3,"priority":2}]}}}
                """)
            .groups()
            .get("g");
    assertThat(group.strategy()).isEqualTo(GroupDefinition.Strategy.PRIORITY);
    assertThat(group.members())
        .containsExactly(new GroupDefinition.Member(new ServerId("a"), 3, 2));
  }

  @Test
  void aMistypedStrategyIsRefusedWithTheNearestName() {
    assertThat(refused("{\"groups\":{\"g\":{\"strategy\":\"round-robbin\"}}}"))
        .hasMessageContaining("did you mean \"round_robin\"?");
  }

  @Test
  void messagesNeverShowValuesOfArgumentsEnvironmentOrHeaders() {
    for (String broken :
        java.util.List.of(
            "{\"command\":\"x\",\"args\":\"--token 4711\"}",
            "{\"command\":\"x\",\"args\":[4711]}",
            "{\"command\":\"x\",\"env\":{\"PIN\":4711}}",
            "{\"command\":\"x\",\"env\":{\"PIN=4711\":\"\"}}",
            "{\"command\":\"x\",\"env\":\"PIN=4711\"}",
            "{\"url\":\"http://h\",\"headers\":{\"X-Pin\":4711}}",
            "{\"url\":\"http://h\",\"headers\":4711}")) {
      assertThat(refused("{\"mcpServers\":{\"a\":" + broken + "}}").described())
          .as(broken)
          .doesNotContain("4711");
    }
  }

  @Test
  void variablesInACommandThatIsAListAreExpanded() throws Exception {
    assertThat(
            ((Transport.Stdio)
                    only("{\"mcpServers\":{\"a\":{\"command\":[\"run\",\"${HOST}\"]}}}")
                        .transport())
                .args())
        .containsExactly("example.org");
  }

  @Property(tries = 300)
  void anyTextIsReadOrRefusedAndNeverBreaksTheReader(@ForAll String text) {
    try {
      parse(text);
    } catch (InvalidDefinition refused) {
      assertThat(refused.described()).isNotBlank();
    }
  }
}
