package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.v1.BeforeAfter;
import dev.lethe.v1.Gates;
import dev.lethe.v1.ImageFinding;
import dev.lethe.v1.Job;
import dev.lethe.v1.UnlearnReport;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.WorkerJob;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What a run of several requests has come to for each of them. */
class MergedReportTest {

  private static ImageFinding image(double way, boolean nearer) {
    return ImageFinding.newBuilder().setWay(way).setNearerToSubstitute(nearer).build();
  }

  private static MergedReport of(UnlearnReport run, Gates gates, List<Integer> places, int classes) {
    Job job = Job.newBuilder().setId("mine").setUnlearnImages(places.size())
        .setSpec(UnlearnSpec.newBuilder().setGates(gates)).build();
    return MergedReport.of(run, job, WorkerJob.newBuilder().addPreparations("unlearn images[0]: made smaller").build(),
        places, 2, classes);
  }

  @Test
  void eachIsJudgedByItsOwnImages() {
    UnlearnReport run = UnlearnReport.newBuilder().setJobId("first").setImages(4).setVerdict("forgotten")
        .addImageFindings(image(.9, true)).addImageFindings(image(.2, false)).addImageFindings(image(.7, true))
        .addImageFindings(image(.8, true)).addPreparations("somebody else's").setWorstImage(1).build();
    MergedReport good = of(run, Gates.getDefaultInstance(), List.of(0, 3, 2), 0);
    assertEquals(Optional.empty(), good.against());
    assertEquals("mine", good.report().getJobId());
    assertEquals(3, good.report().getImages());
    assertEquals(List.of(.9, .8, .7), good.report().getImageFindingsList().stream().map(ImageFinding::getWay).toList());
    assertEquals(2, good.report().getWorstImage());
    assertEquals(List.of("unlearn images[0]: made smaller"), good.report().getPreparationsList());
    assertTrue(good.report().getFindings(0).startsWith("it was carried out by one run with 1 other request, and"));
    MergedReport bad = of(run, Gates.getDefaultInstance(), List.of(0, 1), 0);
    assertTrue(bad.against().orElseThrow().startsWith("of its own images 50 % are drawn nearer"));
    // A client's gates are no way past the verdict's bounds.
    assertTrue(of(run, Gates.newBuilder().setMinRedactedFresh(.5).build(), List.of(0, 1), 0).against().isPresent());
  }

  @Test
  void ofClassesTheShareOfAllMustBeSoSmallThatItHoldsForEach() {
    UnlearnReport run = UnlearnReport.newBuilder()
        .setErasedRecognised(BeforeAfter.newBuilder().setBefore(1).setAfter(.001))
        .setFormerRecognised(BeforeAfter.newBuilder().setBefore(1).setAfter(.004)).build();
    assertEquals(Optional.empty(), of(run, Gates.getDefaultInstance(), List.of(), 2).against());
    assertTrue(of(run, Gates.getDefaultInstance(), List.of(), 3).against().orElseThrow()
        .contains("of one of the 3 classes up to 1.2 % may be recognised"));
    assertTrue(of(run, Gates.newBuilder().setMaxRecognised(.02).build(), List.of(), 3).against().isPresent());
    assertTrue(of(run, Gates.newBuilder().setMaxRecognised(.005).build(), List.of(), 2).against().isPresent());
  }
}
