package dev.lethe.server;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import dev.lethe.models.bundle.Bundle;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Which packages may know which, of the server and of what it stands on. trainer has a test of its own. */
class ArchitectureTest {

  private static JavaClasses classes;

  @BeforeAll
  static void read() {
    classes = new ClassFileImporter()
        .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
        .withImportOption(location -> !location.contains("-tests.jar"))
        .importPackages("dev.lethe.server", "dev.lethe.models");
    // A rule about no classes holds; these are what the rules are about.
    for (String known : new String[] {"dev.lethe.server.Server", "dev.lethe.models.bundle.Bundle"}) {
      assertTrue(classes.contain(known), known + " is not among the classes");
    }
  }

  private static void holds(ArchRule rule) {
    rule.check(classes);
  }

  @Test
  void theServerStartsWorkersAndKnowsNoneOfTheirClasses() {
    holds(noClasses().that().resideInAPackage("dev.lethe.server..")
        .should().dependOnClassesThat().resideInAnyPackage("dev.lethe.trainer..", "dev.lethe.client..",
            "dev.lethe.bench.."));
  }

  @Test
  void modelsStandOnNothingOfOurs() {
    holds(noClasses().that().resideInAPackage("dev.lethe.models..")
        .should().dependOnClassesThat().resideInAnyPackage("dev.lethe.server..", "dev.lethe.trainer..",
            "dev.lethe.client..", "dev.lethe.bench..", "dev.lethe.v1..", "dev.lethe.inference.."));
  }

  @Test
  void packagesAreInNoCircle() {
    holds(slices().matching("dev.lethe.server.(*)..").should().beFreeOfCycles());
    holds(slices().matching("dev.lethe.models.(*)..").should().beFreeOfCycles());
  }

  @Test
  void partsDoNotKnowTheServerThatTheyArePartsOf() {
    holds(noClasses().that().resideInAPackage("dev.lethe.server.*..")
        .should().dependOnClassesThat().resideInAPackage("dev.lethe.server"));
  }

  @Test
  void theServerKnowsOfArchitecturesTheirInterfaceAlone() {
    holds(noClasses().that().resideInAPackage("dev.lethe.server..")
        .should().dependOnClassesThat().resideInAPackage("dev.lethe.models.stylegan2.."));
  }

  @Test
  void onlyProtocolsKnowGrpcsStatuses() {
    // Whoever counts calls or traces them knows the codes, Status.Code, which calls end with.
    String statuses = "io\\.grpc\\.(Status|StatusException|StatusRuntimeException|Metadata)";
    // The names are right: rpc is full of them.
    assertThrows(AssertionError.class, () -> holds(noClasses().that().resideInAPackage("dev.lethe.server.rpc")
        .should().dependOnClassesThat().haveNameMatching(statuses)));
    holds(noClasses().that().resideInAPackage("dev.lethe.server..")
        .and().resideOutsideOfPackages("dev.lethe.server.rpc", "dev.lethe.server.rest", "dev.lethe.server.http")
        .should().dependOnClassesThat().haveNameMatching(statuses)
        .because("below gRPC a request fails with a DomainException, which rpc.FailureStatus translates"));
  }

  @Test
  void onlyTheModelStoreKnowsWhereVersionsLie() {
    assertThrows(AssertionError.class, () -> holds(noClasses().that().resideInAPackage("dev.lethe.server.modelstore")
        .should().callMethod(Bundle.class, "directory")));
    holds(noClasses().that().resideInAPackage("dev.lethe.server..")
        .and().resideOutsideOfPackage("dev.lethe.server.modelstore")
        .should().callMethod(Bundle.class, "directory")
        .because("a version is read by its bundle's methods, and changed by its ModelStore alone"));
  }
}
