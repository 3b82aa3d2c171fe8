package dev.sluice.rest;

import jakarta.ws.rs.ApplicationPath;
import jakarta.ws.rs.core.Application;
import java.util.Map;

/** All JAX-RS resources of the hub live under {@code /api}; they are found by scanning. */
@ApplicationPath("/api")
public class ApiApplication extends Application {

  @Override
  public Map<String, Object> getProperties() {
    // Jersey (Payara) would answer OPTIONS and application.wadl with a description of its own
    return Map.of("jersey.config.server.wadl.disableWadl", true);
  }
}
