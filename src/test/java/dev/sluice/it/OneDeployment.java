package dev.sluice.it;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jboss.arquillian.container.spi.client.container.DeploymentException;
import org.jboss.arquillian.container.spi.event.DeployManagedDeployments;
import org.jboss.arquillian.container.spi.event.UnDeployManagedDeployments;
import org.jboss.arquillian.container.spi.event.container.AfterDeploy;
import org.jboss.arquillian.container.spi.event.container.BeforeStop;
import org.jboss.arquillian.core.api.annotation.Observes;
import org.jboss.arquillian.core.spi.EventContext;
import org.jboss.arquillian.core.spi.LoadableExtension;
import org.jboss.shrinkwrap.api.Archive;

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
    private final AtomicReference<Archive<?>> archive = new AtomicReference<>();

    /** Lets only the first deployment through. */
    public void deploy(@Observes EventContext<DeployManagedDeployments> event) {
      if (deployed.compareAndSet(false, true)) {
        event.proceed();
      }
    }

    /** Lets none through. */
    public void keep(@Observes EventContext<UnDeployManagedDeployments> event) {}

    /** Remembers what to undeploy. */
    public void deployed(@Observes AfterDeploy event) {
      archive.set(event.getDeployment().getArchive());
    }

    /** Undeploys before the server stops, because WildFly keeps deployments over a restart. */
    public void undeploy(@Observes BeforeStop event) throws DeploymentException {
      Archive<?> last = archive.getAndSet(null);
      if (last != null) {
        event.getDeployableContainer().undeploy(last);
      }
    }
  }
}
