package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The official conformance suite, against the reference server of {@code src/test/node/reference}
 * directly and through the hub: the hub must make no difference. docs/conformance.md says what was
 * seen. Needs npm, see {@link NodeReference}.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ConformanceNT {

  private static final String SERVER = System.getProperty("sluice.test.server");
  private static final Path RESULTS = NodeReference.TARGET.resolve(SERVER);

  /** A release of the suite and what is run of it; the name is that of its results and failures. */
  private record Suite(String name, String release, List<String> options) {}

  private static final List<Suite> SUITES =
      List.of(
          new Suite("0.1.16-all", "conformance-0.1", List.of("--suite", "all")),
          requirements("2025-11-25"),
          requirements("2026-07-28"),
          new Suite(
              "0.2.0-all",
              "conformance-0.2",
              List.of("--suite", "all", "--spec-version", "2026-07-28")));

  private static Suite requirements(String revision) {
    return new Suite("0.2.0-" + revision, "conformance-0.2", List.of("--requirements", revision));
  }

  /**
   * Scenarios that judge the endpoint, not the server behind it: its guard against DNS rebinding,
   * the life of its sessions, how it begins and resumes a stream. The hub must pass them itself.
   */
  private static final Set<String> OF_THE_ENDPOINT =
      Set.of("dns-rebinding-protection", "server-session-lifecycle", "server-sse-polling");

  /** A check of a scenario and how it ended. */
  private record Check(String scenario, String id, String status) implements Comparable<Check> {
    @Override
    public int compareTo(Check other) {
      return toString().compareTo(other.toString());
    }

    @Override
    public String toString() {
      return scenario + " | " + id + " | " + status;
    }
  }

  private final Map<String, Map<Check, Integer>> direct = new HashMap<>();
  private NodeReference reference;

  @BeforeAll
  void start() throws Exception {
    NodeReference.delete(RESULTS);
    reference = new NodeReference(RESULTS.resolve("hub"));
  }

  @AfterAll
  void stop() throws Exception {
    if (reference != null) {
      reference.stop();
    }
  }

  private static List<Suite> suites() {
    return SUITES;
  }

  private static List<Arguments> runs() {
    return SUITES.stream()
        .flatMap(
            suite ->
                NodeReference.UPSTREAMS.stream().map(upstream -> Arguments.of(suite, upstream)))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("suites")
  void theReferenceServerItselfFailsNothingButWhatIsExplained(Suite suite) throws Exception {
    Set<String> failed = new TreeSet<>();
    direct(suite).keySet().stream()
        .filter(check -> !isWell(check))
        .map(check -> suite.name() + " | " + check)
        .forEach(failed::add);
    assertThat(failed).isEqualTo(expectedFailures(suite));
  }

  @ParameterizedTest
  @MethodSource("runs")
  void theHubMakesNoDifference(Suite suite, String upstream) throws Exception {
    Map<Check, Integer> expected = direct(suite);
    Map<Check, Integer> seen =
        conformance(suite, upstream, reference.hub().base() + "mcp/" + upstream);
    assertThat(ofTheServer(seen)).isNotEmpty().isEqualTo(ofTheServer(expected));
    assertThat(scenarios(seen)).isEqualTo(scenarios(expected));
    assertThat(seen.keySet().stream().filter(ConformanceNT::isOfTheEndpoint))
        .isNotEmpty()
        .allMatch(ConformanceNT::isWell);
    if (scenarios(seen).contains("server-sse-polling")) {
      assertThat(seen)
          .containsKeys(
              new Check("server-sse-polling", "server-sse-priming-event", "SUCCESS"),
              new Check("server-sse-polling", "server-sse-retry-field", "SUCCESS"));
    }
  }

  @Test
  void everyExpectedFailureIsOfASuiteThatIsRunAndExplained() throws Exception {
    assertThat(expectedLines())
        .allMatch(line -> SUITES.stream().anyMatch(suite -> line.startsWith(suite.name() + " | ")))
        .allMatch(line -> line.split(" \\| ", -1).length == 5 && !line.endsWith(" | "));
  }

  private static boolean isOfTheEndpoint(Check check) {
    return OF_THE_ENDPOINT.contains(check.scenario());
  }

  /** INFO tells what went over the wire, SKIPPED what the server does not offer. */
  private static boolean isWell(Check check) {
    return Set.of("SUCCESS", "INFO", "SKIPPED").contains(check.status());
  }

  private static Map<Check, Integer> ofTheServer(Map<Check, Integer> checks) {
    Map<Check, Integer> of = new TreeMap<>(checks);
    of.keySet().removeIf(ConformanceNT::isOfTheEndpoint);
    return of;
  }

  private static Set<String> scenarios(Map<Check, Integer> checks) {
    Set<String> scenarios = new TreeSet<>();
    checks.keySet().forEach(check -> scenarios.add(check.scenario()));
    return scenarios;
  }

  private static List<String> expectedLines() throws IOException {
    return Files.readAllLines(NodeReference.SOURCE.resolve("expected-failures.txt")).stream()
        .filter(line -> !line.isBlank() && !line.startsWith("#"))
        .toList();
  }

  /** Without the reasons. */
  private static Set<String> expectedFailures(Suite suite) throws IOException {
    Set<String> expected = new TreeSet<>();
    for (String line : expectedLines()) {
      if (line.startsWith(suite.name() + " | ")) {
        expected.add(line.substring(0, line.lastIndexOf(" | ")));
      }
    }
    return expected;
  }

  private Map<Check, Integer> direct(Suite suite) throws Exception {
    Map<Check, Integer> known = direct.get(suite.name());
    if (known == null) {
      known = conformance(suite, "direct", reference.url());
      direct.put(suite.name(), known);
    }
    return known;
  }

  /** How often each check ended how. */
  private static Map<Check, Integer> conformance(Suite suite, String way, String url)
      throws Exception {
    Path results = Files.createDirectories(RESULTS.resolve(suite.name()).resolve(way));
    List<String> command = new ArrayList<>();
    command.add(NodeReference.NODE.toString());
    command.add("node_modules/" + suite.release() + "/dist/index.js");
    command.addAll(List.of("server", "--url", url, "-o", results.toString()));
    command.addAll(suite.options());
    Path log = results.resolve("suite.log");
    assertThat(NodeReference.run(log, command, 180))
        .as(suite.name() + " at " + url + ", see " + log)
        .isZero();
    return checks(results);
  }

  private static final Pattern RESULT = Pattern.compile("server-(.+)-\\d{4}-\\d\\d-\\d\\dT.+");

  private static Map<Check, Integer> checks(Path results) throws IOException {
    Map<Check, Integer> checks = new TreeMap<>();
    try (Stream<Path> scenarios = Files.list(results).filter(Files::isDirectory)) {
      for (Path scenario : scenarios.toList()) {
        Matcher name = RESULT.matcher(scenario.getFileName().toString());
        assertThat(name.matches()).as(scenario.toString()).isTrue();
        try (var reader =
            Json.createReader(Files.newBufferedReader(scenario.resolve("checks.json")))) {
          for (JsonObject check : reader.readArray().getValuesAs(JsonObject.class)) {
            checks.merge(
                new Check(name.group(1), check.getString("id"), check.getString("status")),
                1,
                Integer::sum);
          }
        }
      }
    }
    return checks;
  }
}
