package dev.sluice.management;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;

/**
 * Liveness for servers with MicroProfile Health. It has no other duty, because a server without
 * (WildFly's default configuration) leaves the whole bean out.
 */
@Liveness
@ApplicationScoped
public class LiveCheck implements HealthCheck {

  @Inject private Health health;

  @Override
  public HealthCheckResponse call() {
    return HealthCheckResponse.named("sluice-live")
        .status(Health.hasBegun() && health.live().isUp())
        .build();
  }
}
