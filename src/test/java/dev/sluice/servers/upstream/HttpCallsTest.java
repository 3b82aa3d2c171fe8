package dev.sluice.servers.upstream;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.jsonrpc.Envelope;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A server that ends a kept connection in the moment in which it is used again. */
@Timeout(60)
class HttpCallsTest {

  private final ServerSocket listening;
  private final AtomicInteger requests = new AtomicInteger();

  HttpCallsTest() throws IOException {
    listening = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    Thread thread = new Thread(this::accept, "keep-alive");
    thread.setDaemon(true);
    thread.start();
  }

  @AfterEach
  void end() throws IOException {
    listening.close();
  }

  private void accept() {
    while (true) {
      try (Socket socket = listening.accept()) {
        BufferedReader in =
            new BufferedReader(new InputStreamReader(socket.getInputStream(), ISO_8859_1));
        read(in);
        socket
            .getOutputStream()
            .write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".getBytes(ISO_8859_1));
        read(in); // and ends the connection without a word
      } catch (IOException closed) {
        if (listening.isClosed()) {
          return;
        }
      }
    }
  }

  private void read(BufferedReader in) throws IOException {
    String line = in.readLine();
    while (line != null && !line.isEmpty()) {
      line = in.readLine();
    }
    if (line != null) {
      requests.incrementAndGet();
    }
  }

  private HttpRequest post() {
    return HttpRequest.newBuilder(
            URI.create("http://127.0.0.1:" + listening.getLocalPort() + "/mcp"))
        .POST(BodyPublishers.noBody())
        .build();
  }

  private static int status(CompletableFuture<HttpResponse<byte[]>> sent) throws Exception {
    return sent.get(20, TimeUnit.SECONDS).statusCode();
  }

  @Test
  void whatDoesNoHarmIsSentAgainWhenAKeptConnectionEnds() throws Exception {
    HttpCalls calls =
        new HttpCalls(
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build(), Map.of());
    assertThat(status(calls.send(post(), info -> Bodies.whole(100)))).isEqualTo(200);
    assertThat(status(calls.sendAgain(post(), info -> Bodies.whole(100)))).isEqualTo(200);
    assertThat(requests).hasValue(3); // the second one twice
  }

  @Test
  void aCallIsNotSentAgainWhenAKeptConnectionEnds() throws Exception {
    HttpCalls calls =
        new HttpCalls(
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build(), Map.of());
    assertThat(status(calls.send(post(), info -> Bodies.whole(100)))).isEqualTo(200);
    assertThatThrownBy(() -> status(calls.send(post(), info -> Bodies.whole(100))))
        .hasCauseInstanceOf(UpstreamException.class);
    assertThat(requests).hasValue(2);
  }

  @ParameterizedTest
  @CsvSource({
    "initialize, true",
    "ping, true",
    "tools/list, true",
    "server/discover, true",
    "tools/call, false",
    "resources/subscribe, false",
    "completion/complete, false",
  })
  void onlyWhatAsksAndChangesNothingDoesNoHarm(String method, boolean harmless) {
    assertThat(HttpCalls.isHarmless(Envelope.request(1, method, "{}"))).isEqualTo(harmless);
    assertThat(HttpCalls.isHarmless(Envelope.notification(method, null))).isFalse();
  }
}
