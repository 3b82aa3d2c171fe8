package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.modelcontextprotocol.client.McpClient;
import io.modelcontextprotocol.client.McpSyncClient;
import io.modelcontextprotocol.client.transport.HttpClientSseClientTransport;
import io.modelcontextprotocol.client.transport.HttpClientStreamableHttpTransport;
import io.modelcontextprotocol.spec.McpClientTransport;
import io.modelcontextprotocol.spec.McpSchema;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Hooks;

/** The client of the official Java SDK, unmodified, over both of its transports. */
class JavaSdkIT extends RestTest {

  private static final String NAME = "it-java-sdk";
  private static final int CONCURRENT = 16;

  private final List<Throwable> dropped = new CopyOnWriteArrayList<>();
  private final List<McpSchema.ProgressNotification> progress = new CopyOnWriteArrayList<>();
  private final List<String> logged = new CopyOnWriteArrayList<>();
  private final List<McpSchema.ResourceContents> updated = new CopyOnWriteArrayList<>();
  private final List<List<McpSchema.Tool>> changed = new CopyOnWriteArrayList<>();
  private final ExecutorService callers = Executors.newFixedThreadPool(CONCURRENT);

  @BeforeEach
  void register() throws Exception {
    Hooks.onErrorDropped(dropped::add); // what the SDK has nobody to tell of
    create(FeatureTestServer.definition(NAME, NAME));
  }

  @AfterEach
  void end() {
    Hooks.resetOnErrorDropped();
    callers.shutdownNow();
  }

  @SuppressWarnings("deprecation") // of the SDK, because HTTP+SSE is
  private static McpClientTransport transport(String kind) {
    String base = HUB.toString().substring(0, HUB.toString().length() - 1);
    return kind.equals("sse")
        ? HttpClientSseClientTransport.builder(base).sseEndpoint("/mcp/" + NAME + "/sse").build()
        : HttpClientStreamableHttpTransport.builder(base).endpoint("/mcp/" + NAME).build();
  }

  private McpSyncClient client(String kind) {
    return McpClient.sync(transport(kind))
        .requestTimeout(Duration.ofSeconds(30))
        .initializationTimeout(Duration.ofSeconds(30))
        .capabilities(
            McpSchema.ClientCapabilities.builder().roots(true).sampling().elicitation().build())
        .roots(new McpSchema.Root("file:///root", "root"))
        .sampling(
            asked ->
                McpSchema.CreateMessageResult.builder(
                        McpSchema.Role.ASSISTANT, "a sample", "no model")
                    .build())
        .elicitation(
            asked ->
                McpSchema.ElicitResult.builder(McpSchema.ElicitResult.Action.ACCEPT)
                    .content(Map.of("name", "Ada"))
                    .build())
        .progressConsumer(progress::add)
        .loggingConsumer(message -> logged.add(message.data()))
        .resourcesUpdateConsumer(updated::addAll)
        .toolsChangeConsumer(changed::add)
        .build();
  }

  private static String call(McpSyncClient client, String tool, String text) {
    McpSchema.CallToolResult result =
        client.callTool(
            McpSchema.CallToolRequest.builder(tool)
                .arguments(Map.of("text", text))
                .progressToken("p-" + text)
                .build());
    return ((McpSchema.TextContent) result.content().get(0)).text();
  }

  private static long children() {
    return ProcessHandle.allProcesses()
        .filter(one -> List.of(one.info().arguments().orElse(new String[0])).contains(NAME))
        .count();
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "sse"})
  void theClientOfTheJavaSdkMeetsNoErrorAndLeavesNothing(String kind) {
    McpSyncClient client = client(kind);
    try {
      assertThat(client.initialize().serverInfo().name()).isEqualTo("features");
      assertThat(client.listTools().tools())
          .extracting(McpSchema.Tool::name)
          .contains("test_simple_text");
      assertThat(call(client, "test_simple_text", "")).isEqualTo(FeatureTestServer.SIMPLE);
      List<CompletableFuture<String>> calls =
          IntStream.range(0, 5 * CONCURRENT)
              .mapToObj(
                  i ->
                      CompletableFuture.supplyAsync(
                          () -> call(client, "test_echo", "zwölf " + i), callers))
              .toList();
      for (int i = 0; i < calls.size(); i++) {
        assertThat(calls.get(i).join()).isEqualTo("zwölf " + i);
      }

      call(client, "test_tool_with_progress", "mine");
      await().until(() -> progress.size() == 3);
      assertThat(progress)
          .allMatch(one -> one.progressToken().equals("p-mine"))
          .extracting(McpSchema.ProgressNotification::progress)
          // The SDK hands each on by a thread of its own; StreamableIT holds the order on the wire.
          .containsExactlyInAnyOrder(0.0, 50.0, 100.0);
      assertThat(call(client, "test_sampling", "")).isEqualTo("LLM response: a sample");
      assertThat(call(client, "test_elicitation", "")).contains("'accept'", "'Ada'");
      assertThat(call(client, "test_roots", "")).contains("'file:///root'");
      client.setLoggingLevel(McpSchema.LoggingLevel.INFO);
      call(client, "test_tool_with_logging", "line ");
      await().until(() -> logged.size() == 3);
      assertThat(logged).containsExactly("line 1", "line 2", "line 3");

      assertThat(client.listResources().resources()).hasSize(1);
      client.subscribeResource(
          McpSchema.SubscribeRequest.builder(FeatureTestServer.WATCHED).build());
      call(client, "test_trigger_resource_update", "");
      await().until(() -> updated.size() == 1);
      client.unsubscribeResource(
          McpSchema.UnsubscribeRequest.builder(FeatureTestServer.WATCHED).build());
      call(client, "test_trigger_resource_update", "");
      call(client, "test_trigger_tool_change", "");
      await().until(() -> changed.size() == 1); // comes after an update would have
      assertThat(updated).hasSize(1);
      assertThat(changed.get(0)).extracting(McpSchema.Tool::name).contains("test_tool_that_comes");
      assertThat(client.listPrompts().prompts()).hasSize(1);
      client.ping();
      await().atMost(Duration.ofSeconds(10)).until(() -> children() == 1);
      assertThat(dropped).isEmpty();
      assertThat(client.closeGracefully()).isTrue();
    } finally {
      client.close();
    }
    await().atMost(Duration.ofSeconds(10)).until(() -> children() == 0);
  }
}
