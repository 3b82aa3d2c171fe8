package dev.sluice.rest;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.ws.rs.HttpMethod;
import jakarta.ws.rs.Path;
import java.io.IOException;
import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class OpenApiTest {

  private static final java.nio.file.Path CLASSES = java.nio.file.Path.of("target/classes");

  /** Operations that servlets answer, so that no annotation names them. */
  private static final Set<String> SERVLETS =
      Set.of(
          "GET /api/openapi.json",
          "GET /api/events",
          "GET /api/mcp_servers/{id}/logs/stream",
          "GET /health/live",
          "GET /health/ready",
          "GET /health/started",
          "GET /metrics");

  @Test
  void everyRouteOfTheResourcesIsDocumented() throws Exception {
    assertThat(documented()).containsAll(routes());
  }

  @Test
  void everyDocumentedRouteIsAResourcesOrAServlets() throws Exception {
    Set<String> documented = documented();
    documented.removeAll(SERVLETS);
    assertThat(routes()).containsAll(documented);
  }

  @Test
  void everyReferenceOfTheDocumentPointsSomewhere() throws IOException {
    JsonObject document = document();
    var references =
        java.util.regex.Pattern.compile("\"\\$ref\":\"#([^\"]+)\"").matcher(document.toString());
    int count = 0;
    while (references.find()) {
      assertThat(Json.createPointer(references.group(1)).containsValue(document))
          .as(references.group(1))
          .isTrue();
      count++;
    }
    assertThat(count).isPositive();
  }

  private static JsonObject document() throws IOException {
    try (var reader =
        Json.createReader(
            java.util.Objects.requireNonNull(
                OpenApiServlet.class.getResourceAsStream("openapi.json")))) {
      return reader.readObject();
    }
  }

  private static Set<String> documented() throws IOException {
    Set<String> operations = new TreeSet<>();
    document()
        .getJsonObject("paths")
        .forEach(
            (path, methods) ->
                methods
                    .asJsonObject()
                    .keySet()
                    .forEach(
                        method -> operations.add(method.toUpperCase(Locale.ROOT) + " " + path)));
    return operations;
  }

  private static Set<String> routes() throws Exception {
    Set<String> routes = new TreeSet<>();
    for (Class<?> resource : resources()) {
      String base = "/api" + slashed(resource.getAnnotation(Path.class).value());
      for (Method method : resource.getMethods()) {
        for (Annotation annotation : method.getAnnotations()) {
          HttpMethod verb = annotation.annotationType().getAnnotation(HttpMethod.class);
          if (verb != null) {
            Path path = method.getAnnotation(Path.class);
            routes.add(verb.value() + " " + base + (path == null ? "" : slashed(path.value())));
          }
        }
      }
    }
    return routes;
  }

  private static Set<Class<?>> resources() throws IOException {
    try (Stream<java.nio.file.Path> files = Files.walk(CLASSES)) {
      return files
          .map(file -> CLASSES.relativize(file).toString())
          .filter(name -> name.endsWith("Resource.class"))
          .map(name -> name.substring(0, name.length() - ".class".length()).replace('/', '.'))
          .<Class<?>>map(OpenApiTest::load)
          .filter(type -> type.isAnnotationPresent(Path.class))
          .collect(Collectors.toSet());
    }
  }

  private static Class<?> load(String name) {
    try {
      return Class.forName(name, false, OpenApiTest.class.getClassLoader());
    } catch (ClassNotFoundException missing) {
      throw new IllegalStateException(missing);
    }
  }

  private static String slashed(String path) {
    return path.startsWith("/") ? path : "/" + path;
  }
}
