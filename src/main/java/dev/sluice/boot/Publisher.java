package dev.sluice.boot;

import dev.sluice.events.DomainEvent;
import dev.sluice.events.EventId;
import dev.sluice.events.EventSink;
import dev.sluice.events.Journal;
import dev.sluice.events.RecordedEvent;
import dev.sluice.threads.SerialExecutor;
import jakarta.annotation.PostConstruct;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.enterprise.event.NotificationOptions;
import jakarta.inject.Inject;
import java.lang.System.Logger.Level;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The hub's {@link EventSink}: the journal first, which gives the event its place, then the other
 * registries by CDI, in the journal's order as far as the servers allow and with a bound.
 *
 * <p>Tool invocations and clients' sessions stay in the journal: no registry reacts to them, and a
 * notification for each would cost more than the call's own bookkeeping.
 */
@ApplicationScoped
class Publisher implements EventSink {

  private static final System.Logger LOG = System.getLogger(Publisher.class.getName());

  private final AtomicBoolean told = new AtomicBoolean();

  @Inject private Journal journal;
  @Inject private Event<RecordedEvent> reactions;

  @Inject private SerialExecutor serial;

  private NotificationOptions options;

  @PostConstruct
  void start() {
    options = NotificationOptions.ofExecutor(serial);
  }

  @Override
  public EventId publish(DomainEvent event) {
    RecordedEvent recorded = journal.record(event);
    if (!isTraffic(event)) {
      announce(recorded);
    }
    return recorded.id();
  }

  private void announce(RecordedEvent recorded) {
    try {
      reactions
          .fireAsync(recorded, options)
          .whenComplete(
              (done, failure) -> {
                if (failure != null) {
                  LOG.log(
                      Level.WARNING,
                      "SLUICE-0020: a reaction to " + recorded.event().type() + " failed",
                      failure);
                }
              });
    } catch (RejectedExecutionException full) {
      if (told.compareAndSet(false, true)) {
        LOG.log(
            Level.WARNING,
            "SLUICE-0021: {0} reactions wait, further ones are skipped; is an observer stuck?",
            serial.limit());
      }
    } catch (IllegalStateException stopping) {
      // Payara's CDI refuses events while it stops; the journal has the event, and nobody is left
      // to react to it.
      LOG.log(Level.DEBUG, "no reaction while the application stops", stopping);
    }
  }

  private static boolean isTraffic(DomainEvent event) {
    return event instanceof DomainEvent.ToolInvocationRequested
        || event instanceof DomainEvent.ToolInvocationCompleted
        || event instanceof DomainEvent.ToolInvocationFailed
        || event instanceof DomainEvent.SessionOpened
        || event instanceof DomainEvent.SessionClosed;
  }
}
