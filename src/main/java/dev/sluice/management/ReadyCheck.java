package dev.sluice.management;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/**
 * Readiness for servers with MicroProfile Health. It has no other duty, because a server without
 * (WildFly's default configuration) leaves the whole bean out.
 */
@Readiness
@ApplicationScoped
public class ReadyCheck implements HealthCheck {

  @Inject private Health health;

  @Override
  public HealthCheckResponse call() {
    return HealthCheckResponse.named("sluice-ready")
        .status(Health.hasBegun() && health.ready().isUp())
        .build();
  }
}
