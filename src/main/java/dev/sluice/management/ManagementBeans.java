package dev.sluice.management;

import dev.sluice.events.DomainEvent.ProviderDeregistered;
import dev.sluice.events.DomainEvent.ProviderRegistered;
import dev.sluice.events.RecordedEvent;
import dev.sluice.servers.ServerRegistry;
import dev.sluice.servers.Servers;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.ObservesAsync;
import jakarta.enterprise.event.Startup;
import jakarta.inject.Inject;
import java.lang.management.ManagementFactory;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import javax.management.DynamicMBean;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import javax.management.StandardMBean;

/**
 * The hub's MBeans in the platform MBean server: one for each read model, {@code
 * dev.sluice:type=Hub} and so on, from the start to the undeployment, and one for each MCP server,
 * {@code dev.sluice:type=McpServer,name=<id>}, from its registration to its end.
 *
 * <p>Events only say which server to look at: whether it has an MBean follows from whether it is
 * registered now, so their order does not matter.
 */
@ApplicationScoped
class ManagementBeans {

  private static final System.Logger LOG = System.getLogger(ManagementBeans.class.getName());

  private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();

  /**
   * By what follows the domain; guarded by itself, so that two looks at one server do not cross.
   */
  private final Map<String, ObjectName> registered = new LinkedHashMap<>();

  private boolean over; // guarded by registered

  @Inject private ReadModels models;
  @Inject private ServerRegistry registry;

  void begin(@Observes Startup started) {
    figures("Hub", "The hub as a whole.", Figures.HUB, models::read);
    figures("Stream", "Events to subscribers.", Figures.STREAM, () -> models.read().stream());
    figures(
        "Journal",
        "The one order of events and what is kept of it.",
        Figures.JOURNAL,
        () -> models.read().journal());
    figures("Servers", "All MCP servers together.", Figures.SERVERS, () -> models.read().servers());
    figures(
        "Upstream",
        "Connections to MCP servers and their child processes.",
        Figures.UPSTREAM,
        () -> models.read().upstream());
    figures("Relay", "Clients of MCP servers.", RelayFigures.RELAY, models::read);
    figures("Threads", "What waits for threads.", Figures.THREADS, () -> models.read().threads());
    registry.servers().names().forEach(this::look);
  }

  private <T> void figures(
      String type, String description, List<Figure<T>> figures, Supplier<T> reading) {
    synchronized (registered) {
      add("type=" + type, new FiguresMBean<>(description, figures, reading));
    }
  }

  void react(@ObservesAsync RecordedEvent recorded) {
    if (recorded.event() instanceof ProviderRegistered added) {
      look(added.mcpServerId());
    } else if (recorded.event() instanceof ProviderDeregistered gone) {
      look(gone.mcpServerId());
    }
  }

  private void look(String id) {
    Servers servers = registry.servers();
    String name = "type=McpServer,name=" + id; // an id has no character that JMX would have quoted
    synchronized (registered) {
      boolean there = servers.reading(id).isPresent();
      if (there && !registered.containsKey(name)) {
        add(name, new StandardMBean(new McpServerBean(servers, id), McpServerMXBean.class, true));
      } else if (!there && registered.containsKey(name)) {
        remove(registered.remove(name));
      }
    }
  }

  @PreDestroy
  void end() {
    synchronized (registered) {
      over = true;
      registered.values().forEach(this::remove);
      registered.clear();
    }
  }

  /** The caller holds the lock. */
  private void add(String properties, DynamicMBean bean) {
    if (over) {
      return;
    }
    try {
      ObjectName name = new ObjectName("dev.sluice:" + properties);
      server.registerMBean(new InApplication(bean), name);
      registered.put(properties, name);
    } catch (JMException failed) {
      // a hub without its MBeans still works: another deployment in this process may have the name
      LOG.log(
          System.Logger.Level.WARNING, "SLUICE-0411: MBean " + properties + " is missing", failed);
    }
  }

  private void remove(ObjectName name) {
    try {
      if (server.isRegistered(name)) {
        server.unregisterMBean(name);
      }
    } catch (JMException failed) {
      LOG.log(System.Logger.Level.WARNING, "SLUICE-0412: MBean " + name + " stays", failed);
    }
  }
}
