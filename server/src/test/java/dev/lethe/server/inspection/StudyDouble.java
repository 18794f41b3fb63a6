package dev.lethe.server.inspection;

import dev.lethe.models.encryption.FileCipher;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;

/** Speaks the protocol of a worker that projects, without a model: the image itself is what it finds. */
public final class StudyDouble {

  private StudyDouble() {}

  public static void main(String[] arguments) throws Exception {
    Path directory = Path.of(arguments[0]);
    String job = Files.readString(directory.resolve("job.json"));
    if (!job.contains("WORKER_TASK_PROJECT") || Files.exists(directory.resolve("unlearn/0000.png"))) {
      System.exit(4);
    }
    FileCipher cipher = new FileCipher(HexFormat.of().parseHex(System.getenv("LETHE_WORKER_KEY")));
    byte[] png = cipher.open("unlearn/0000.png", Files.readAllBytes(directory.resolve("unlearn/0000.png.sealed")));
    System.out.println("{\"progress\":{\"stage\":\"projection\",\"step\":1,\"steps\":2,\"fraction\":0.5}}");
    if (job.contains("fail.png")) {
      System.out.println("{\"failure\":{\"message\":\"it cannot be found\"}}");
      System.exit(1);
    }
    Files.write(directory.resolve("projection.png.sealed"), cipher.seal("projection.png", png));
    System.out.println("{\"projection\":{\"model\":\"tiny\",\"version\":\"v1\","
        + "\"error\":0.25,\"w\":{\"values\":[1,2]}}}");
  }
}
