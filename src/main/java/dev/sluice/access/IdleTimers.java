package dev.sluice.access;

import jakarta.websocket.Session;
import java.lang.System.Logger.Level;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.concurrent.Delayed;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * WebSocket sessions that may be idle for ever. Tyrus, which is Payara's, arms its timer with each
 * message of either side, also when there is no limit to wait for, and Payara looks through all of
 * the application's class path each time: three quarters of the processor time of a relayed call,
 * measured. No setting turns that off, so its sessions get a timer that does nothing when there is
 * nothing to wait for. Where the session looks other than expected it stays as it is.
 */
public final class IdleTimers {

  private static final System.Logger LOG = System.getLogger(IdleTimers.class.getName());
  private static final String TYRUS = "org.glassfish.tyrus.core.TyrusSession";
  private static final String TIMER = "service";

  private IdleTimers() {}

  /** Takes the idle limit from a session that was just opened. */
  public static void none(Session session) {
    session.setMaxIdleTimeout(0);
    if (!session.getClass().getName().equals(TYRUS)) {
      return;
    }
    try {
      Field field = session.getClass().getDeclaredField(TIMER);
      field.setAccessible(true);
      if (field.get(session) instanceof ScheduledExecutorService timer) {
        field.set(session, without(timer));
      }
    } catch (ReflectiveOperationException | RuntimeException other) {
      LOG.log(Level.DEBUG, "this Tyrus is another one; its timers stay", other);
    }
  }

  private static Object without(ScheduledExecutorService timer) {
    return Proxy.newProxyInstance(
        IdleTimers.class.getClassLoader(),
        new Class<?>[] {ScheduledExecutorService.class},
        (proxy, method, arguments) -> call(timer, method, arguments));
  }

  @SuppressWarnings("FutureReturnValueIgnored") // it is returned
  private static @Nullable Object call(
      ScheduledExecutorService timer, Method method, @Nullable Object @Nullable [] arguments)
      throws Throwable {
    if (method.getName().equals("schedule")
        && arguments != null
        && arguments[1] instanceof Long delay
        && delay <= 0) {
      return Never.INSTANCE;
    }
    try {
      return method.invoke(timer, arguments);
    } catch (InvocationTargetException thrown) {
      throw thrown.getCause() == null ? thrown : thrown.getCause();
    }
  }

  /** What will not happen. */
  private static final class Never implements ScheduledFuture<@Nullable Object> {
    static final Never INSTANCE = new Never();

    @Override
    public boolean cancel(boolean interrupts) {
      return false;
    }

    @Override
    public boolean isCancelled() {
      return true;
    }

    @Override
    public boolean isDone() {
      return true;
    }

    @Override
    public @Nullable Object get() {
      return null;
    }

    @Override
    public @Nullable Object get(long time, TimeUnit unit) {
      return null;
    }

    @Override
    public long getDelay(TimeUnit unit) {
      return 0;
    }

    @Override
    public int compareTo(Delayed other) {
      return 0;
    }
  }
}
