package dev.lethe.trainer;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Which packages of the trainer may know which. */
class ArchitectureTest {

  private static JavaClasses classes;

  @BeforeAll
  static void read() {
    classes = new ClassFileImporter()
        .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
        .importPackages("dev.lethe.trainer");
    // A rule about no classes holds; this is one that the rules are about.
    assertTrue(classes.contain("dev.lethe.trainer.session.Learner"));
  }

  @Test
  void theTrainerKnowsNoServerAndNoClient() {
    noClasses().that().resideInAPackage("dev.lethe.trainer..")
        .should().dependOnClassesThat().resideInAnyPackage("dev.lethe.server..", "dev.lethe.client..",
            "dev.lethe.bench..")
        .check(classes);
  }

  @Test
  void packagesAreInNoCircle() {
    slices().matching("dev.lethe.trainer.(*)..").should().beFreeOfCycles().check(classes);
  }

  @Test
  void onlyTheWorkerSpeaksTheProtocol() {
    noClasses().that().resideInAPackage("dev.lethe.trainer..")
        .and().resideOutsideOfPackage("dev.lethe.trainer.worker")
        .should().dependOnClassesThat().resideInAnyPackage("dev.lethe.v1..", "dev.lethe.inference..")
        .check(classes);
  }

  @Test
  void onlySessionsKnowOnnxRuntimesTraining() {
    noClasses().that().resideInAPackage("dev.lethe.trainer..")
        .and().resideOutsideOfPackage("dev.lethe.trainer.session..")
        .should().dependOnClassesThat().haveFullyQualifiedName("ai.onnxruntime.OrtTrainingSession")
        .check(classes);
  }

  @Test
  void gradientsAreNoTraining() {
    noClasses().that().resideInAPackage("dev.lethe.trainer.autodiff")
        .should().dependOnClassesThat().resideInAPackage("dev.lethe.trainer.session..")
        .check(classes);
  }

  @Test
  void onlyTrainingFromScratchAndItsCommandsKnowStyleGan2() {
    noClasses().that().resideInAPackage("dev.lethe.trainer..")
        .and().resideOutsideOfPackages("dev.lethe.trainer.adversarial..", "dev.lethe.trainer.cli..",
            "dev.lethe.trainer.speed..")
        .should().dependOnClassesThat().resideInAPackage("dev.lethe.models.stylegan2..")
        .because("they know of architectures their interface alone, dev.lethe.models.architecture")
        .check(classes);
  }
}
