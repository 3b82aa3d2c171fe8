package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.JsonObject;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whatever fails under the context root fails in one shape. */
class ErrorsIT extends HubTest {

  private static RawHttp.Answer request(String method, String path, String... more)
      throws IOException {
    String[] headers = new String[more.length + 2];
    headers[0] = "Host: localhost";
    headers[1] = "Connection: close";
    System.arraycopy(more, 0, headers, 2, more.length);
    try (RawHttp http = new RawHttp(HUB)) {
      return http.send(method + " " + path + " HTTP/1.1", headers).answer();
    }
  }

  private static void hasTheShape(RawHttp.Answer answer, int status, String code) {
    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.headers().get("content-type")).startsWith("application/json");
    assertThat(answer.json().keySet()).containsExactly("error");
    JsonObject error = answer.error();
    assertThat(error.keySet()).containsExactlyInAnyOrder("code", "message", "details");
    assertThat(error.getString("code")).isEqualTo(code);
    assertThat(error.getString("message")).isNotBlank();
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /nothing, 404, not_found",
    "GET, /nothing/below, 404, not_found",
    "GET, /api, 404, not_found",
    "GET, /api/, 404, not_found",
    "GET, /api/nothing, 404, not_found",
    "DELETE, /api/nothing, 404, not_found",
    "GET, /api/system/nothing, 404, not_found",
    "GET, /.error, 404, not_found",
    "GET, /.well-known/oauth-protected-resource, 404, not_found",
    "GET, /.well-known/oauth-authorization-server/mcp/x, 404, not_found",
    "DELETE, /api/system, 405, method_not_allowed",
    "PUT, /api/system/me, 405, method_not_allowed",
    "FOO, /api/system, 405, method_not_allowed",
    "POST, /metrics, 405, method_not_allowed",
    "POST, /health/live, 405, method_not_allowed",
    "POST, /health/ready, 405, method_not_allowed",
    "PUT, /openapi.json, 405, method_not_allowed",
  })
  void aPathOrMethodThatIsNotThere(String method, String path, int status, String code)
      throws IOException {
    hasTheShape(request(method, path, "Content-Length: 0"), status, code);
  }

  @Test
  void aTypeThatThePathCannotAnswer() throws IOException {
    hasTheShape(request("GET", "/api/system", "Accept: image/png"), 406, "not_acceptable");
  }

  @Test
  void aMethodThatIsNotThereIsAnsweredWithThoseThatAre() throws IOException {
    assertThat(request("DELETE", "/api/system").headers().get("allow")).contains("GET");
  }

  @ParameterizedTest
  @CsvSource({"/api/system", "/api/system/me"})
  void pathsAnswerWithAndWithoutTheTrailingSlash(String path) throws IOException {
    assertThat(request("GET", path).status()).isEqualTo(200);
    assertThat(request("GET", path + "/").status()).isEqualTo(200);
  }
}
