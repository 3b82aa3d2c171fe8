package dev.sluice.servers.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.sluice.servers.upstream.UpstreamClient.ServerInfo;
import dev.sluice.servers.upstream.UpstreamException.Kind;
import jakarta.json.JsonObject;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;

/** The limits of a server's lists, which no honest server comes near. */
class HandshakeTest {

  private static final ServerInfo TOOLS =
      new ServerInfo(
          "test", "1", Handshake.VERSIONS.get(0), Rig.json("{\"tools\":{},\"prompts\":{}}"));

  private final AtomicInteger asked = new AtomicInteger();

  /** Lists from a server whose answer to the n-th question, from 0, is {@code page}. */
  private CompletableFuture<Catalogue> list(IntFunction<JsonObject> page) {
    return new Handshake(
            "test",
            (method, params) ->
                CompletableFuture.completedFuture(page.apply(asked.getAndIncrement())))
        .list(TOOLS);
  }

  private static JsonObject page(String what, int entries, String entry, boolean more, int number) {
    StringBuilder all = new StringBuilder("{\"" + what + "\":[");
    for (int i = 0; i < entries; i++) {
      all.append(i == 0 ? "" : ",").append(entry);
    }
    return Rig.json(all + "]" + (more ? ",\"nextCursor\":\"" + number + "\"}" : "}"));
  }

  private static void assertRefused(CompletableFuture<Catalogue> listing, String words) {
    assertThat(listing).isCompletedExceptionally();
    UpstreamException refusal = UpstreamException.from(catchThrowable(listing::join));
    assertThat(refusal.kind()).isEqualTo(Kind.PROTOCOL);
    assertThat(refusal).hasMessageContaining(words);
  }

  @Test
  void twoHundredPagesAreReadAndNoMore() {
    int pages = Handshake.MAX_PAGES;
    assertThat(pages).isEqualTo(200);
    Catalogue all =
        list(n ->
                n < pages
                    ? page("tools", 1, "{}", n < pages - 1, n)
                    : page("prompts", 0, "", false, n))
            .join();
    assertThat(all.tools()).hasSize(pages);

    asked.set(0);
    assertRefused(list(n -> page("tools", 1, "{}", true, n)), "tools/list has more than 200 pages");
    assertThat(asked).hasValue(pages);
  }

  @Test
  void tenThousandEntriesAreReadAndNoMore() {
    int entries = Handshake.MAX_ENTRIES;
    assertThat(entries).isEqualTo(10_000);
    Catalogue all =
        list(n ->
                n == 0
                    ? page("tools", entries, "{}", false, n)
                    : page("prompts", entries, "{}", false, n))
            .join();
    assertThat(all.tools()).hasSize(entries);
    assertThat(all.prompts()).hasSize(entries);

    asked.set(0);
    assertRefused(
        list(n -> page("tools", n == 0 ? entries : 1, "{}", n == 0, n)),
        "tools/list has more than 10000 entries");
  }

  @Test
  void allListsTogetherHaveThirtyTwoMebiCharacters() {
    String entry = "{\"d\":\"" + "x".repeat((1 << 20) - 8) + "\"}";
    assertThat(entry).hasSize(1 << 20);
    Catalogue all =
        list(n ->
                n == 0 ? page("tools", 16, entry, false, n) : page("prompts", 16, entry, false, n))
            .join();
    assertThat(all.prompts()).hasSize(16);

    asked.set(0);
    assertRefused(
        list(
            n ->
                n == 0 ? page("tools", 16, entry, false, n) : page("prompts", 17, entry, false, n)),
        "more than 33554432 characters");
  }
}
