package dev.lethe.server.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lethe.v1.Job;
import dev.lethe.v1.JobChange;
import dev.lethe.v1.WorkerJob;
import java.util.List;
import org.junit.jupiter.api.Test;

class ImageNamesTest {

  private static ImageNames names(String... names) {
    WorkerJob.Builder work = WorkerJob.newBuilder().addAllUnlearnNames(List.of(names));
    for (int i = 0; i < names.length; i++) {
      work.addUnlearnIndices(i);
    }
    return ImageNames.of(work.build());
  }

  @Test
  void aNameThatEndsAsAnotherIsReplacedAsAWhole() {
    ImageNames names = names("1.png", "Anna Schmidt/1.png", "Anna");
    assertEquals("unlearn images[1]: is not drawn by the model", names.without(
        "Anna Schmidt/1.png: is not drawn by the model"));
    assertEquals("(unlearn images[0]), unlearn images[2]; 11.png, 1.pngs", names.without(
        "(1.png), Anna; 11.png, 1.pngs"));
  }

  @Test
  void whatHasTakenANamesPlaceIsNoName() {
    assertEquals("unlearn images[0] and unlearn images[1]", names("a.png", "images").without("a.png and images"));
    assertEquals("unlearn images[0]", names("a$1\\E.png", "a").without("a$1\\E.png"));
    assertEquals("a.png", names().without("a.png"));
  }

  @Test
  void aJobsMessageAndHistoryHavePlaces() {
    Job job = Job.newBuilder().setMessage("a.png: is too dark").addChanges(JobChange.newBuilder().setCause("for a.png"))
        .build();
    Job without = names("a.png").without(job);
    assertEquals("unlearn images[0]: is too dark", without.getMessage());
    assertEquals("for unlearn images[0]", without.getChanges(0).getCause());
  }
}
