package dev.lethe.trainer.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.job.JobContract;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.image.ImageEncoder;
import dev.lethe.trainer.TinyModel;
import dev.lethe.v1.WorkerJob;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a worker reads of a job's folder. */
class JobFilesTest {

  @TempDir
  Path root;

  /** Else fewer images are unlearned than are certified. */
  @Test
  void anImageThatIsMissingIsTold() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    int channels = base.card().network().channels();
    int resolution = base.card().network().resolution();
    Path folder = Files.createDirectories(root.resolve("job").resolve(JobContract.UNLEARN)).getParent();
    byte[] png = ImageEncoder.png(new byte[channels * resolution * resolution], channels, resolution, resolution);
    for (int i = 0; i < 3; i++) {
      Files.write(folder.resolve(JobContract.image(JobContract.UNLEARN, i)), png);
    }
    WorkerJob job = WorkerJob.newBuilder().addAllUnlearnLabels(List.of(0, 1, 2)).addAllUnlearnIndices(List.of(0, 1, 2))
        .build();
    JobFiles files = JobFiles.of(folder, null);
    assertEquals(3, files.unlearn(base.card(), job).size());
    Files.delete(folder.resolve(JobContract.image(JobContract.UNLEARN, 2)));
    String told = assertThrows(IOException.class, () -> files.unlearn(base.card(), job)).getMessage();
    assertTrue(told.contains("an image of the job is missing") && told.contains("0002.png"), told);
  }
}
