package dev.sluice.it;

import java.io.File;
import java.net.URI;
import java.nio.file.Path;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.junit5.container.annotation.ArquillianTest;
import org.jboss.shrinkwrap.api.ShrinkWrap;
import org.jboss.shrinkwrap.api.importer.ZipImporter;
import org.jboss.shrinkwrap.api.spec.WebArchive;

/**
 * A black-box test of the real WAR on a real server; the same class runs on Payara Micro and on
 * WildFly. {@link OneDeployment} deploys once for the whole suite, so tests share one hub: each
 * uses server ids of its own and leaves none behind.
 */
@ArquillianTest
public abstract class HubTest {

  /** Where the hub answers, for example {@code http://localhost:18080/}. */
  protected static final URI HUB =
      URI.create("http://localhost:" + System.getProperty("sluice.test.port") + "/");

  /** The servers file that the hub under test watches. */
  protected static final Path SERVERS_FILE =
      Path.of(System.getProperty("sluice.test.dir"), "mcp.json");

  /** The directory of fragments that the hub under test watches. */
  protected static final Path DISCOVERY_DIR =
      Path.of(System.getProperty("sluice.test.dir"), "discovery");

  /** Which server this run is on: payara or wildfly. */
  protected static final String SERVER = System.getProperty("sluice.test.server");

  @Deployment(testable = false)
  static WebArchive war() {
    return ShrinkWrap.create(ZipImporter.class, "sluice.war")
        .importFrom(new File(System.getProperty("sluice.test.war")))
        .as(WebArchive.class)
        .addPackage("dev.sluice.bench.server") // a servlet that publishes on demand
        .addPackage("dev.sluice.it.server");
  }
}
