package dev.sluice.boot;

import dev.sluice.settings.Settings;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import org.eclipse.microprofile.config.ConfigProvider;

/** Reads the settings from MicroProfile Config, once. */
@ApplicationScoped
class SettingsProducer {

  @Produces
  @Singleton
  Settings settings() {
    var config = ConfigProvider.getConfig();
    return Settings.read(key -> config.getOptionalValue(key, String.class));
  }
}
