package dev.sluice.house;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.GeneralCodingRules;

/** The arrows of docs/architecture.md, and the names that say nothing. */
@AnalyzeClasses(packages = "dev.sluice", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {

  @ArchTest
  static final ArchRule ARROWS_POINT_ONE_WAY =
      layeredArchitecture()
          .consideringOnlyDependenciesInLayers()
          .layer("jsonrpc")
          .definedBy("dev.sluice.jsonrpc..")
          .layer("settings")
          .definedBy("dev.sluice.settings..")
          .layer("threads")
          .definedBy("dev.sluice.threads..")
          .layer("events")
          .definedBy("dev.sluice.events..")
          .layer("access")
          .definedBy("dev.sluice.access..")
          .layer("rest")
          .definedBy("dev.sluice.rest..")
          .layer("servers")
          .definedBy("dev.sluice.servers")
          .layer("upstream")
          .definedBy("dev.sluice.servers.upstream..")
          .layer("sse")
          .definedBy("dev.sluice.sse..")
          .layer("relay")
          .definedBy("dev.sluice.relay..")
          .layer("streams")
          .definedBy("dev.sluice.streams..")
          .layer("storage")
          .definedBy("dev.sluice.storage..")
          .layer("management")
          .definedBy("dev.sluice.management..")
          .layer("boot")
          .definedBy("dev.sluice.boot..")
          .whereLayer("jsonrpc")
          .mayNotAccessAnyLayer()
          .whereLayer("threads")
          .mayNotAccessAnyLayer()
          .whereLayer("settings")
          .mayNotAccessAnyLayer()
          .whereLayer("events")
          .mayNotAccessAnyLayer()
          .whereLayer("access")
          .mayOnlyAccessLayers("events", "settings", "rest")
          .whereLayer("rest")
          .mayOnlyAccessLayers("access", "settings", "threads")
          .whereLayer("upstream")
          .mayOnlyAccessLayers("jsonrpc", "servers", "settings", "threads")
          .whereLayer("servers")
          .mayOnlyAccessLayers(
              "events", "jsonrpc", "settings", "threads", "access", "rest", "sse", "upstream")
          .whereLayer("sse")
          .mayNotAccessAnyLayer()
          .whereLayer("relay")
          .mayOnlyAccessLayers(
              "servers", "upstream", "jsonrpc", "settings", "threads", "access", "rest", "sse")
          .whereLayer("streams")
          .mayOnlyAccessLayers("events", "settings", "threads", "access", "rest", "sse")
          .whereLayer("storage")
          .mayOnlyAccessLayers("events", "settings", "threads")
          .whereLayer("storage")
          .mayOnlyBeAccessedByLayers("boot")
          .whereLayer("management")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("boot")
          .mayNotBeAccessedByAnyLayer();

  @ArchTest
  static final ArchRule UPSTREAM_KNOWS_DEFINITIONS_ONLY =
      noClasses()
          .that()
          .resideInAPackage("dev.sluice.servers.upstream..")
          .should()
          .dependOnClassesThat()
          .haveNameMatching(
              "dev\\.sluice\\.servers\\.(ServerRegistry|Server|.*Resource|Group.*|Discovery.*)");

  @ArchTest
  static final ArchRule EVENTS_ARE_PURE_JAVA =
      noClasses()
          .that()
          .resideInAnyPackage("dev.sluice.events..", "dev.sluice.jsonrpc..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("jakarta..");

  @ArchTest
  static final ArchRule ONLY_DOORS_KNOW_HTTP =
      noClasses()
          .that()
          .haveSimpleNameNotEndingWith("Resource")
          .and()
          .haveSimpleNameNotEndingWith("Endpoint")
          .and()
          .haveSimpleNameNotEndingWith("Filter")
          .and()
          .haveSimpleNameNotEndingWith("Servlet")
          .and()
          .resideOutsideOfPackages(
              "dev.sluice.rest..",
              "dev.sluice.access..",
              "dev.sluice.sse..",
              "dev.sluice.relay..",
              "dev.sluice.streams..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("jakarta.ws.rs..", "jakarta.servlet..", "jakarta.websocket..");

  /** The servers look into form bodies for parameters, and wait for them with a thread. */
  @ArchTest
  static final ArchRule PARAMETERS_COME_FROM_THE_QUERY =
      noClasses()
          .should()
          .callMethodWhere(
              DescribedPredicate.describe(
                  "of a servlet request's parameters",
                  call ->
                      call.getName().startsWith("getParameter")
                          && call.getTargetOwner()
                              .isAssignableTo("jakarta.servlet.ServletRequest")));

  @ArchTest
  static final ArchRule NAMES_SAY_SOMETHING =
      classes().should().haveNameNotMatching(".*(Manager|Helper|Util|Utils|Impl|Service)");

  @ArchTest
  static final ArchRule NOTHING_PRINTS =
      GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;

  @ArchTest
  static final ArchRule THREADS_ARE_MANAGED =
      noClasses()
          .should()
          .callConstructor(Thread.class)
          .orShould()
          .callConstructor(Thread.class, Runnable.class)
          .orShould()
          .callConstructor(Thread.class, Runnable.class, String.class)
          .orShould()
          .dependOnClassesThat()
          .haveFullyQualifiedName("java.util.concurrent.Executors");
}
