package dev.lethe.client.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lethe.client.console.Console;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.UnlearnReport;
import dev.lethe.v1.UnlearnSpec;
import java.util.List;
import org.junit.jupiter.api.Test;

class JobOutcomeTest {

  private static final List<LabelledImage> UNLEARN = List.of(LabelledImage.newBuilder().setName("me/a.jpg").build(),
      LabelledImage.getDefaultInstance());
  private static final List<LabelledImage> LEARN = List.of(LabelledImage.newBuilder().setName("b.png").build());

  @Test
  void imagesAreNamedByWhoSentThem() {
    assertEquals("me/a.jpg: turned by 90°", JobOutcome.named("unlearn images[0]: turned by 90°", UNLEARN, LEARN));
    assertEquals("b.png: padded", JobOutcome.named("learn images[0]: padded", UNLEARN, LEARN));
    assertEquals("unlearn images[1]: padded", JobOutcome.named("unlearn images[1]: padded", UNLEARN, LEARN));
    assertEquals("unlearn images[7]: padded", JobOutcome.named("unlearn images[7]: padded", UNLEARN, LEARN));
    assertEquals("all: padded", JobOutcome.named("all: padded", UNLEARN, LEARN));
  }

  @Test
  void whatIsNotForgottenIsNoSuccessEvenIfItWasToStayACandidate() {
    assertEquals(0, end("forgotten", true, false));
    assertEquals(0, end("", true, false));
    assertEquals(JobOutcome.NOT_PROMOTED, end("not forgotten", true, false));
    assertEquals(JobOutcome.NOT_PROMOTED, end("forgotten", false, false));
    assertEquals(0, end("not forgotten", false, true));
  }

  private static int end(String verdict, boolean keep, boolean promoted) {
    return new JobOutcome(Console.system(), true).end(Job.newBuilder().setState(JobState.JOB_STATE_SUCCEEDED)
        .setPromoted(promoted).setSpec(UnlearnSpec.newBuilder().setKeepAsCandidate(keep))
        .setReport(UnlearnReport.newBuilder().setVerdict(verdict)).build());
  }
}
