package dev.sluice.it;

import static dev.sluice.it.Publishing.publish;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Frames on {@code /api/ws/events} that RFC 6455 forbids: they end the connection they came on, and
 * nobody else's.
 */
class SocketGarbageIT extends HubTest {

  private static final String CHANGED = "&types=McpServerStateChanged";
  private static final int TEXT = 1;
  private static final int CLOSE = 8;
  private static final int PING = 9;
  private static final int FINAL = 0x80;

  private WebSocketPeer healthy;
  private double before;

  @BeforeEach
  void somebodyElseIsThere() throws IOException {
    healthy = WebSocketPeer.open(HUB, "?since=live&mcp_server_ids=garbage-healthy");
    assertThat(healthy.next().getString("type")).isEqualTo("subscribed");
    before = ManagementIT.metrics().get("sluice_stream_subscribers");
  }

  @AfterEach
  void whoHasNotNoticed() throws IOException {
    publish(HUB, 1, "garbage-healthy", CHANGED);
    assertThat(healthy.next().getString("event_type")).isEqualTo("McpServerStateChanged");
    healthy.close();
  }

  /** A frame's bytes; the first byte as given, the length as announced and not as it is. */
  private static byte[] raw(int first, long announced, byte[] payload) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(first);
    if (announced < 126 && announced >= 0) {
      out.write(0x80 | (int) announced);
    } else if (announced < 65_536 && announced >= 0) {
      out.write(0x80 | 126);
      out.write((int) (announced >> 8));
      out.write((int) announced);
    } else {
      out.write(0x80 | 127);
      for (int shift = 56; shift >= 0; shift -= 8) {
        out.write((int) (announced >> shift));
      }
    }
    out.writeBytes(new byte[4]); // a mask of zeros
    out.writeBytes(payload);
    return out.toByteArray();
  }

  private static byte[] frame(int first, String payload) {
    byte[] bytes = payload.getBytes(StandardCharsets.UTF_8);
    return raw(first, bytes.length, bytes);
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  static Stream<Arguments> illegal() {
    return Stream.of(
        Arguments.of("a ping of 126 bytes", frame(FINAL | PING, "x".repeat(126))),
        Arguments.of("a ping that announces 2^62 bytes", raw(FINAL | PING, 1L << 62, new byte[8])),
        Arguments.of("a ping in parts", frame(PING, "x")),
        Arguments.of("a close in parts", frame(CLOSE, "")),
        Arguments.of("a close of one byte", frame(FINAL | CLOSE, "x")),
        Arguments.of("a close of 200 bytes", frame(FINAL | CLOSE, "\u0003\u0001".repeat(100))),
        Arguments.of("reserved opcode 3", frame(FINAL | 3, "x")),
        Arguments.of("reserved opcode 11", frame(FINAL | 11, "")),
        Arguments.of("a reserved bit", frame(FINAL | 0x40 | TEXT, "{}")),
        Arguments.of("a continuation of nothing", frame(FINAL, "{}")),
        Arguments.of(
            "a message inside a message", join(frame(TEXT, "{"), frame(FINAL | TEXT, "}"))),
        Arguments.of(
            "a length with its highest bit set", raw(FINAL | TEXT, Long.MIN_VALUE, new byte[8])),
        Arguments.of(
            "UTF-8 that is illegal over two parts",
            join(
                raw(TEXT, 2, new byte[] {'"', (byte) 0xf0}),
                raw(FINAL, 2, new byte[] {(byte) 0x28, '"'}))),
        Arguments.of("parts without end", join(frame(TEXT, "{\"a\":\""), parts(3000))));
  }

  /** Continuations that pass the limit of a message and never end it. */
  private static byte[] parts(int count) {
    byte[][] parts = new byte[count][];
    for (int i = 0; i < count; i++) {
      parts[i] = frame(0, "x".repeat(64));
    }
    return join(parts);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("illegal")
  void anIllegalFrameEndsItsConnection(String what, byte[] bytes) throws IOException {
    try (WebSocketPeer peer = WebSocketPeer.open(HUB, "?mcp_server_ids=garbage-none")) {
      try {
        peer.bytes(bytes);
      } catch (IOException cutWhileSending) {
        assertThat(bytes.length).isGreaterThan(65_536);
      }
      WebSocketPeer.Closed closed = peer.closed();
      // 1006 is the end without a close frame, which RFC 6455 §7.1.7 allows
      assertThat(closed.code()).as(what).isIn(1002, 1006, 1007, 1009);
    }
    await()
        .atMost(Duration.ofSeconds(5))
        .until(() -> ManagementIT.metrics().get("sluice_stream_subscribers") <= before);
  }

  /** RFC 6455 §5.1 wants the connection to be closed; Payara takes the frame as it is. */
  @Test
  void aFrameWithoutItsMaskEndsItsConnectionOrIsReadAsItStands() throws IOException {
    try (WebSocketPeer peer = WebSocketPeer.open(HUB, "?mcp_server_ids=garbage-none")) {
      peer.bytes(new byte[] {(byte) 0x81, 1, 'x'});
      JsonObject answer = peer.next();
      if (answer == null) {
        assertThat(peer.closed().code()).isIn(1002, 1006);
      } else {
        assertThat(answer.getString("code")).isEqualTo("malformed_json");
      }
    }
  }

  @Test
  void aFrameThatIsCutOffFreesItsPlace() throws IOException {
    for (int i = 0; i < 20; i++) {
      WebSocketPeer peer = WebSocketPeer.open(HUB, "?mcp_server_ids=garbage-none");
      peer.bytes(raw(FINAL | TEXT, 60_000, new byte[100]));
      if (i % 2 == 0) {
        peer.reset();
      } else {
        peer.close();
      }
    }
    await()
        .atMost(Duration.ofSeconds(5))
        .until(() -> ManagementIT.metrics().get("sluice_stream_subscribers") <= before);
  }

  @Test
  void aPingIsAnsweredInTheMiddleOfAMessageAndAPongNobodyAskedForIsLeftAlone() throws IOException {
    try (WebSocketPeer peer = WebSocketPeer.open(HUB, "?mcp_server_ids=garbage-none")) {
      String message = "{\"type\":\"subscribe\",\"mcp_server_ids\":[\"garbage-control\"]}";
      peer.bytes(frame(TEXT, message.substring(0, 20)));
      peer.bytes(frame(FINAL | 10, "never asked"));
      peer.bytes(frame(FINAL | PING, "y".repeat(125)));
      peer.bytes(frame(FINAL, message.substring(20)));
      assertThat(peer.next().getString("type")).isEqualTo("subscribed");
      await()
          .atMost(Duration.ofSeconds(10))
          .until(
              () -> {
                publish(HUB, 1, "garbage-control", CHANGED);
                assertThat(peer.next().getString("mcp_server_id")).isEqualTo("garbage-control");
                return peer.pongs().contains("y".repeat(125));
              });
    }
  }

  @Test
  void aNameThatNoEncodingCanCarryIsAnsweredAndTheConnectionLives() throws IOException {
    try (WebSocketPeer peer = WebSocketPeer.open(HUB, "?mcp_server_ids=garbage-none")) {
      peer.text("{\"type\":\"subscribe\",\"event_types\":[\"\\ud800\",\"\\u0000\"]}");
      assertThat(peer.next().getString("type")).isIn("subscribed", "error");
      peer.text("{\"type\":\"\\udc00\"}");
      assertThat(peer.next().getString("type")).isEqualTo("error");
      peer.text("{\"type\":\"subscribe\",\"queue_size\":1e99999999999}");
      JsonObject error = peer.next();
      assertThat(error.getString("code")).isEqualTo("malformed_json");
      peer.text("{\"type\":\"subscribe\",\"mcp_server_ids\":[\"garbage-names\"]}");
      assertThat(peer.next().getString("type")).isEqualTo("subscribed");
      publish(HUB, 1, "garbage-names", CHANGED);
      assertThat(peer.next().getString("mcp_server_id")).isEqualTo("garbage-names");
    }
  }

  @Test
  void randomBytesEndTheConnectionOrAreAnsweredAndHurtNobody() throws IOException {
    Random random = new Random(6455);
    for (int i = 0; i < 40; i++) {
      byte[] bytes = new byte[1 + random.nextInt(4000)];
      random.nextBytes(bytes);
      try (WebSocketPeer peer = WebSocketPeer.open(HUB, "?mcp_server_ids=garbage-none")) {
        peer.bytes(bytes);
      }
    }
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> ManagementIT.metrics().get("sluice_stream_subscribers") <= before);
  }
}
