package dev.sluice.settings;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.Startup;
import java.util.ArrayList;
import java.util.List;
import org.eclipse.microprofile.config.ConfigProvider;

/** Tells at start about keys that look like ours and that nothing reads. */
@ApplicationScoped
class SettingsReport {

  private static final System.Logger LOG = System.getLogger(SettingsReport.class.getName());

  void report(@Observes Startup started) {
    List<String> properties = new ArrayList<>();
    ConfigProvider.getConfig().getPropertyNames().forEach(properties::add);
    for (String unknown : UnknownKeys.sentences(properties, System.getenv().keySet())) {
      LOG.log(System.Logger.Level.WARNING, "SLUICE-0011: Nothing reads the setting {0}", unknown);
    }
  }
}
