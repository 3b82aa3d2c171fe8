package dev.sluice.servers.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.servers.ServerDefinition.Transport;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SecretsTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "password",
        "PASSWORD",
        "db_password",
        "DBPassword",
        "PGPASSWORD",
        "MYSQL_PWD",
        "SMTP_PASS",
        "token",
        "accessToken",
        "access_tokens",
        "GITHUB_TOKEN",
        "HFTOKEN",
        "GITHUB_PAT",
        "NPM_CONFIG__AUTH",
        "npm_config_//registry.example/:_authToken",
        "api_key",
        "api_keys",
        "apiKey",
        "APIKey",
        "OPENAI_APIKEY",
        "STRIPE_KEY",
        "x-api-key",
        "X-Key",
        "X-Auth",
        "--ssh-key",
        "--token",
        "Authorization",
        "Proxy-Authorization",
        "Set-Cookie",
        "session_id",
        "clientSecret",
        "credentials",
        "private_key",
        "privateKeyPem",
        "aws_access_key_id",
        "X-Amz-Signature"
      })
  void namesOfSecretsAreKnown(String name) {
    assertThat(Secrets.named(name)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "maxTokens",
        "max_tokens",
        "tokens",
        "tokenizer",
        "author",
        "X-Author",
        "message",
        "key",
        "--key",
        "keys",
        "primary_key",
        "publicKey",
        "sortKey",
        "issue_key",
        "keyboard",
        "monkey",
        "path",
        "PATH",
        "pattern",
        "passenger",
        "compass_heading",
        "bypass",
        "Accept-Language",
        "session"
      })
  void ordinaryNamesAreNotHidden(String name) {
    assertThat(Secrets.named(name)).isFalse();
  }

  @Test
  void valuesOfSecretsAreMaskedInTextsAndNothingElse() {
    Secrets secrets =
        Secrets.of(
            Rig.definition(
                new Transport.Stdio(
                    "x",
                    List.of("--api-key", "argument-one", "--token=argument-two", "--port", "8080"),
                    Map.of("GITHUB_TOKEN", "ghp_abc", "MODE", "plain", "DB_PASSWORD", "pw1"),
                    Optional.empty())));
    assertThat(secrets.mask("ghp_abc argument-one argument-two plain 8080 pw1"))
        .isEqualTo("*** *** *** plain 8080 pw1");
  }

  @Test
  void credentialsInAnAddressAndItsHeadersAreMasked() {
    Secrets remote =
        Secrets.of(
            Rig.definition(
                new Transport.Http(
                    URI.create("http://h/mcp?api_key=inurl&page=12345&key=AIza77"),
                    Map.of("Authorization", "Bearer inheader", "Accept-Language", "german"))));
    assertThat(remote.mask("inurl 12345 AIza77 inheader german"))
        .isEqualTo("*** 12345 *** *** german");
  }
}
