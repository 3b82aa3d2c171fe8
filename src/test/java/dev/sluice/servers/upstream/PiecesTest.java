package dev.sluice.servers.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Framing, events and hints by themselves. */
class PiecesTest {

  /** Gives what it holds in pieces of random size. */
  private static InputStream trickle(byte[] bytes, long seed) {
    Random random = new Random(seed);
    return new ByteArrayInputStream(bytes) {
      @Override
      public synchronized int read(byte[] target, int offset, int length) {
        return super.read(target, offset, Math.min(length, 1 + random.nextInt(7)));
      }
    };
  }

  private static List<String> lines(InputStream in, int max) throws IOException {
    List<String> lines = new ArrayList<>();
    new LineReader(in, max, 5)
        .readAll(
            new LineReader.Sink() {
              @Override
              public void line(byte[] line) {
                lines.add(new String(line, UTF_8));
              }

              @Override
              public void tooLong(byte[] head, long length) {
                lines.add("!" + new String(head, UTF_8) + length);
              }
            });
    return lines;
  }

  @Test
  void cutsLinesHoweverTheyCome() throws Exception {
    byte[] bytes = "one\r\n\n\u00e9\u20ac\nlast".getBytes(UTF_8);
    for (int seed = 0; seed < 50; seed++) {
      assertThat(lines(trickle(bytes, seed), 100))
          .containsExactly("one", "", "\u00e9\u20ac", "last");
    }
  }

  @Test
  void skipsLongLinesAndKeepsTheirNeighbours() throws Exception {
    Random random = new Random(7);
    for (int round = 0; round < 300; round++) {
      StringBuilder text = new StringBuilder();
      List<String> expected = new ArrayList<>();
      int max = 20_000 + random.nextInt(5_000);
      for (int i = 0; i < 6; i++) {
        int length = random.nextInt(3) == 0 ? max + random.nextInt(60_000) : random.nextInt(max);
        String line = "x".repeat(length);
        text.append(line).append('\n');
        expected.add(length > max ? "!xxxxx" + length : line);
      }
      assertThat(lines(new ByteArrayInputStream(text.toString().getBytes(UTF_8)), max))
          .isEqualTo(expected);
    }
  }

  @Test
  void readsEventsHoweverTheyCome() {
    byte[] bytes =
        ("\uFEFF: comment\nid: 1\nevent: message\ndata: a\ndata:b\n\nid: 2\nretry: 30\ndata:\n\n"
                + "data: c\r\rdata: d\r\n\r\nevent: endpoint\ndata: /x\n\nfoo: bar\n\ndata: unfinished")
            .getBytes(UTF_8);
    for (int seed = 0; seed < 50; seed++) {
      List<String> events = new ArrayList<>();
      EventParser parser =
          new EventParser((name, data) -> events.add(name + "=" + new String(data, UTF_8)));
      Random random = new Random(seed);
      int at = 0;
      while (at < bytes.length) {
        int length = Math.min(bytes.length - at, 1 + random.nextInt(6));
        parser.feed(ByteBuffer.wrap(bytes, at, length));
        at += length;
      }
      assertThat(events).containsExactly("message=a\nb", "message=c", "message=d", "endpoint=/x");
      assertThat(parser.lastId()).isEqualTo("2");
      assertThat(parser.retryMillis()).isEqualTo(30);
    }
  }

  @Test
  void refusesAnEventOverTheLimit() {
    EventParser parser = new EventParser((name, data) -> {});
    byte[] piece = new byte[1 << 20];
    java.util.Arrays.fill(piece, (byte) 'x');
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 20; i++) {
                parser.feed(ByteBuffer.wrap(piece));
              }
            })
        .hasMessageContaining("16777216");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1 | npm error code E404 | npm package",
        "1 | x No solution found when resolving tool dependencies | Python package",
        "1 | Error: Cannot find module '/a/b.js' | module",
        "1 | ModuleNotFoundError: No module named 'mcp' | module",
        "1 | python3: can't open file 'x.py': [Errno 2] No such file or directory | file",
        "1 | Error: Unable to access jarfile x.jar | Java program",
        "1 | OSError: [Errno 98] Address already in use | port",
        "1 | Error: EACCES: permission denied | permission",
        "1 | getaddrinfo ENOTFOUND registry.example | host name",
        "1 | GITHUB_TOKEN environment variable not set | env",
        "137 | | memory",
        "127 | | PATH",
        "126 | | executable",
        "0 | | not be an MCP server"
      })
  void suggestsWhatToDoAboutAFailedStart(int exitCode, String stderr, String suggestion) {
    assertThat(StartHint.of("x", exitCode, stderr == null ? List.of() : List.of(stderr)))
        .contains(suggestion);
  }

  @Test
  void saysNothingWhenItKnowsNothing() {
    assertThat(StartHint.of("x", 3, List.of("42"))).isEmpty();
  }

  @Test
  void takesAnIdOnlyWithItsWholeEventAndForgetsWhatWasCutOff() {
    List<String> events = new ArrayList<>();
    EventParser parser =
        new EventParser((name, data) -> events.add(name + "=" + new String(data, UTF_8)));
    parser.feed(ByteBuffer.wrap("id: 1\ndata: a\n\nid: 2\nevent: x\ndata: b\nda".getBytes(UTF_8)));
    assertThat(parser.lastId()).isEqualTo("1");
    parser.reset();
    parser.feed(ByteBuffer.wrap("data: c\n\n".getBytes(UTF_8)));
    assertThat(events).containsExactly("message=a", "message=c");
    assertThat(parser.lastId()).isEqualTo("1");
  }

  @Test
  void takesNoEventIdThatNoHeaderCanCarry() {
    EventParser parser = new EventParser((name, data) -> {});
    parser.feed(ByteBuffer.wrap("id: ok-1\ndata: a\n\nid: \u20ac\ndata: b\n\n".getBytes(UTF_8)));
    parser.feed(ByteBuffer.wrap("id: \u007f\ndata: c\n\n".getBytes(UTF_8)));
    assertThat(parser.lastId()).isEqualTo("ok-1");
  }

  @Test
  void cutsMessagesOfAnySize() {
    String huge = "x".repeat(100_000);
    assertThat(UpstreamException.of(UpstreamException.Kind.PROTOCOL, huge).getMessage())
        .hasSize(UpstreamException.MAX_MESSAGE);
    assertThat(new StartFailure(huge, Optional.empty(), List.of(), "", null).getMessage())
        .hasSize(UpstreamException.MAX_MESSAGE);
  }
}
