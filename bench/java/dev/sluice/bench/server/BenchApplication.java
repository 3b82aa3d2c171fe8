package dev.sluice.bench.server;

import jakarta.ws.rs.ApplicationPath;
import jakarta.ws.rs.core.Application;
import java.util.Set;

/** Keeps the bare SSE stream apart from the hub's own REST application. */
@ApplicationPath("/bench/rest")
public class BenchApplication extends Application {

  @Override
  public Set<Class<?>> getClasses() {
    return Set.of(BareResource.class);
  }
}
