package dev.sluice.threads;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;

/**
 * A managed executor that takes a task without a look at the application's class path. With each
 * task Payara captures the caller's context, and for that asks all jars which the context class
 * loader sees for providers of more context: measured, that took most of the processor time of what
 * sets a timer for each call. With the platform's loader there is nothing to ask. The task itself
 * runs with the application's, as ever.
 */
final class PlainContext {

  private static final ClassLoader APPLICATION = PlainContext.class.getClassLoader();

  private PlainContext() {}

  /** The executor; {@code type} is its interface. */
  static <E extends ExecutorService> E of(E executor, Class<E> type) {
    return type.cast(
        Proxy.newProxyInstance(
            APPLICATION,
            new Class<?>[] {type},
            (proxy, method, arguments) -> call(executor, method, arguments)));
  }

  private static @Nullable Object call(
      ExecutorService executor, Method method, @Nullable Object @Nullable [] arguments)
      throws Throwable {
    if (arguments != null && arguments.length > 0) {
      if (arguments[0] instanceof Runnable task) {
        arguments[0] = (Runnable) () -> run(task);
      } else if (arguments[0] instanceof Callable<?> task) {
        arguments[0] = (Callable<Object>) () -> call(task);
      }
    }
    ClassLoader before = enter(ClassLoader.getPlatformClassLoader());
    try {
      return method.invoke(executor, arguments);
    } catch (InvocationTargetException thrown) {
      throw thrown.getCause() == null ? thrown : thrown.getCause();
    } finally {
      enter(before);
    }
  }

  private static void run(Runnable task) {
    ClassLoader before = enter(APPLICATION);
    try {
      task.run();
    } finally {
      enter(before);
    }
  }

  private static @Nullable Object call(Callable<?> task) throws Exception {
    ClassLoader before = enter(APPLICATION);
    try {
      return task.call();
    } finally {
      enter(before);
    }
  }

  private static ClassLoader enter(ClassLoader loader) {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(loader);
    return before;
  }
}
