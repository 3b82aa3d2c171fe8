package dev.sluice.management;

import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.Startup;
import jakarta.inject.Inject;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;

/**
 * Registers the hub's MBeans at start and takes them out at undeploy: {@code dev.sluice:type=Hub},
 * {@code type=Stream}, {@code type=Journal} and {@code type=Servers}.
 */
@ApplicationScoped
class ManagementBeans {

  private static final System.Logger LOG = System.getLogger(ManagementBeans.class.getName());

  private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();
  private final List<ObjectName> registered = new ArrayList<>();

  @Inject private ReadModels models;

  void register(@Observes Startup started) {
    add("type=Hub", "The hub as a whole.", Figures.HUB, models::read);
    add("type=Stream", "Events to subscribers.", Figures.STREAM, () -> models.read().stream());
    add(
        "type=Journal",
        "The one order of events and what is kept of it.",
        Figures.JOURNAL,
        () -> models.read().journal());
    add(
        "type=Servers",
        "All MCP servers together.",
        Figures.SERVERS,
        () -> models.read().servers());
    add(
        "type=Upstream",
        "Connections to MCP servers and their child processes.",
        Figures.UPSTREAM,
        () -> models.read().upstream());
    add("type=Threads", "What waits for threads.", Figures.THREADS, () -> models.read().threads());
  }

  @PreDestroy
  void unregister() {
    for (ObjectName name : registered) {
      try {
        if (server.isRegistered(name)) {
          server.unregisterMBean(name);
        }
      } catch (JMException failed) {
        LOG.log(System.Logger.Level.WARNING, "SLUICE-0412: MBean " + name + " stays", failed);
      }
    }
  }

  private <T> void add(
      String properties, String description, List<Figure<T>> figures, Supplier<T> reading) {
    try {
      ObjectName name = new ObjectName("dev.sluice:" + properties);
      server.registerMBean(new FiguresMBean<>(description, figures, reading), name);
      registered.add(name);
    } catch (JMException failed) {
      // a hub without its MBeans still works: another deployment in this process may have the name
      LOG.log(
          System.Logger.Level.WARNING, "SLUICE-0411: MBean " + properties + " is missing", failed);
    }
  }
}
