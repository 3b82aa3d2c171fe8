package dev.sluice.it;

import java.util.concurrent.atomic.AtomicBoolean;
import org.jboss.arquillian.container.spi.event.DeployManagedDeployments;
import org.jboss.arquillian.container.spi.event.UnDeployManagedDeployments;
import org.jboss.arquillian.core.api.annotation.Observes;
import org.jboss.arquillian.core.spi.EventContext;
import org.jboss.arquillian.core.spi.LoadableExtension;

/**
 * Deploys with the first test class and leaves the deployment in place for all others, because a
 * deployment per class costs about ten seconds each. The server is stopped at the end of the suite.
 */
public final class OneDeployment implements LoadableExtension {

  @Override
  public void register(ExtensionBuilder builder) {
    builder.observer(Once.class);
  }

  /** Arquillian makes one instance per suite. */
  public static final class Once {

    private final AtomicBoolean deployed = new AtomicBoolean();

    /** Lets only the first deployment through. */
    public void deploy(@Observes EventContext<DeployManagedDeployments> event) {
      if (deployed.compareAndSet(false, true)) {
        event.proceed();
      }
    }

    /** Lets none through: stopping the server is the end of the deployment. */
    public void undeploy(@Observes EventContext<UnDeployManagedDeployments> event) {}
  }
}
