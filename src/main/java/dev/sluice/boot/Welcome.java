package dev.sluice.boot;

import dev.sluice.settings.Setting;
import dev.sluice.settings.Settings;
import jakarta.annotation.PostConstruct;
import jakarta.ejb.DependsOn;
import jakarta.ejb.Singleton;
import jakarta.ejb.Startup;
import jakarta.inject.Inject;
import java.lang.System.Logger.Level;

/** Says in one line, once the registry has begun, where the console is. */
@Singleton
@Startup
@DependsOn("ServerRegistry")
public class Welcome {

  private static final System.Logger LOG = System.getLogger(Welcome.class.getName());

  @Inject private Settings settings;

  @PostConstruct
  void say() {
    LOG.log(
        Level.INFO,
        "SLUICE-0001: Sluice is ready: open http://localhost:{0}/",
        settings.text(Setting.HTTP_PORT));
  }
}
