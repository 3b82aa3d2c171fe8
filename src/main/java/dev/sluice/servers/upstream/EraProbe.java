package dev.sluice.servers.upstream;

import dev.sluice.jsonrpc.Envelope;
import dev.sluice.jsonrpc.Envelope.Kind;
import dev.sluice.jsonrpc.Envelope.Part;
import jakarta.json.JsonArray;
import jakarta.json.JsonObject;
import jakarta.json.JsonString;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Asks a server which eras it speaks, over connections made for nothing else: some servers exit on
 * what they do not know, and some keep to the era of their first message.
 */
final class EraProbe {

  static final String META =
      "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\""
          + ModernUpstream.VERSION
          + "\",\"io.modelcontextprotocol/clientInfo\":{\"name\":\"sluice\",\"version\":\"1\"},"
          + "\"io.modelcontextprotocol/clientCapabilities\":{}}";

  private static final String LEGACY =
      "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
          + "\"clientInfo\":{\"name\":\"sluice\",\"version\":\"1\"}}";

  private EraProbe() {}

  /** What the server said to {@code server/discover}. */
  private record Said(@Nullable Envelope answer, @Nullable UpstreamException failure, int status) {}

  /**
   * Whether the server answers {@code server/discover} as one of the stateless era; blocks.
   *
   * @param silenceIsLegacy whether silence or the end of the connection means a server of the other
   *     era, as over a child's standard streams
   * @throws UpstreamException if that cannot be told now
   */
  static boolean modern(ModernUpstream upstream, Duration patience, boolean silenceIsLegacy) {
    CompletableFuture<Said> said = new CompletableFuture<>();
    ModernUpstream.Exchange exchange =
        upstream.send(
            Envelope.request(1, "server/discover", "{" + META + "}"),
            Map.of(),
            new ModernUpstream.Receiver() {
              @Override
              public void received(int status, Envelope message) {
                if (message.kind() != Kind.NOTIFICATION) {
                  said.complete(new Said(message, null, status));
                }
              }

              @Override
              public void failed(UpstreamException why, int status) {
                said.complete(new Said(null, why, status));
              }
            });
    Said heard;
    try {
      heard = said.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException silence) {
      exchange.cancel();
      if (silenceIsLegacy) {
        return false;
      }
      throw UpstreamException.of(
          UpstreamException.Kind.TIMEOUT, "no answer to server/discover in time");
    } catch (ExecutionException impossible) {
      throw UpstreamException.from(impossible);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw UpstreamException.of(UpstreamException.Kind.DISCONNECTED, "interrupted");
    }
    Envelope answer = heard.answer();
    if (answer != null) {
      return isModern(answer);
    }
    int status = heard.status();
    boolean refusesMethod = status >= 400 && status < 500 && !saysNothing(status);
    if (silenceIsLegacy || refusesMethod || heard.failure() == null) {
      return false;
    }
    throw heard.failure();
  }

  /** Statuses below 500 that say nothing about the era. */
  private static boolean saysNothing(int status) {
    return status == 401 || status == 403 || status == 408 || status == 429;
  }

  private static boolean isModern(Envelope answer) {
    if (answer.kind() == Kind.RESPONSE) {
      return lists(answer.json(Part.RESULT), "supportedVersions");
    }
    if (!"-32022".equals(answer.json(Part.ERROR_CODE))) {
      return false;
    }
    JsonObject error = PeerJson.object(answer.json(Part.ERROR));
    return error != null
        && error.get("data") instanceof JsonObject data
        && lists(data.toString(), "supported");
  }

  private static boolean lists(@Nullable String json, String member) {
    JsonObject object = PeerJson.object(json);
    return object != null
        && object.get(member) instanceof JsonArray versions
        && versions.stream()
            .anyMatch(
                one ->
                    one instanceof JsonString text
                        && text.getString().equals(ModernUpstream.VERSION));
  }

  /** Whether the server answers {@code initialize} as well; blocks, and closes the connection. */
  static boolean legacy(Connection connection, Duration patience) {
    CompletableFuture<Boolean> answered = new CompletableFuture<>();
    try {
      connection.open(
          new Connection.Inbound() {
            @Override
            public void received(Envelope message) {
              if (message.kind() == Kind.RESPONSE || message.kind() == Kind.ERROR) {
                answered.complete(message.has(Part.RESULT_PROTOCOL_VERSION));
              }
            }

            @Override
            public void noise(String stream, String text) {
              // What it says besides is no evidence.
            }

            @Override
            public void stderr(String line) {
              // Nor is this.
            }

            @Override
            public void ended(String reason, Optional<Integer> exitCode) {
              answered.complete(false);
            }
          });
      CompletableFuture<?> unused =
          connection
              .send(Envelope.request(1, "initialize", LEGACY))
              .exceptionally(
                  problem -> {
                    answered.complete(false);
                    return null;
                  });
      return answered.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return false;
    } catch (TimeoutException | ExecutionException | StartFailure no) {
      return false;
    } finally {
      connection.close();
    }
  }
}
