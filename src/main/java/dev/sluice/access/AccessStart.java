package dev.sluice.access;

import dev.sluice.settings.Settings;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.Startup;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;

/**
 * Makes the policy at start, so that access settings that cannot be used stop it. The filter alone
 * would not: WildFly makes filters with the first request.
 */
@ApplicationScoped
class AccessStart {

  private static final System.Logger LOG = System.getLogger(AccessStart.class.getName());

  @Produces
  @Singleton
  AccessPolicy policy(Settings settings) {
    return AccessPolicy.of(settings);
  }

  void begin(@Observes Startup started, AccessPolicy policy) {
    LOG.log(System.Logger.Level.INFO, "SLUICE-0403: Access: {0}", policy);
  }
}
