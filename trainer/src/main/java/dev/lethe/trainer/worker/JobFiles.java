package dev.lethe.trainer.worker;

import com.google.protobuf.util.JsonFormat;
import dev.lethe.job.JobContract;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.encryption.FileCipher;
import dev.lethe.models.files.Digests;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.image.ImageDecoder;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.v1.UnlearnReport;
import dev.lethe.v1.WorkerJob;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The files of a job directory, as {@code worker.proto} describes them.
 *
 * @param cipher opens images that are encrypted; empty: none is
 */
record JobFiles(Path directory, Optional<FileCipher> cipher) {

  /** @param key of images that are encrypted, in hexadecimal digits; null for none */
  static JobFiles of(Path directory, @Nullable String key) {
    return new JobFiles(directory, Optional.ofNullable(key).map(HexFormat.of()::parseHex).map(FileCipher::new));
  }

  /**
   * Where something lies that a job names.
   *
   * @param uri as {@code worker.proto} has it
   * @throws IllegalArgumentException if it is none that this worker reads
   */
  static Path local(String uri) {
    URI named = URI.create(uri);
    if (!"file".equals(named.getScheme())) {
      throw new IllegalArgumentException("the job names " + uri + "; this worker reads what file: URIs name");
    }
    return Path.of(named);
  }

  WorkerJob job() throws IOException {
    WorkerJob.Builder job = WorkerJob.newBuilder();
    JsonFormat.parser().merge(Files.readString(directory.resolve(JobContract.JOB)), job);
    return job.build();
  }

  /** SHA-256 of the job as it was written, in hexadecimal digits. */
  String jobDigest() throws IOException {
    return Digests.sha256(directory.resolve(JobContract.JOB));
  }

  /**
   * Images to unlearn.
   *
   * @throws IOException if one is missing, too, that the job speaks of: of fewer, nobody would be told
   */
  ImageDataset unlearn(ModelCard card, WorkerJob job) throws IOException {
    for (int i = 0; i < job.getUnlearnIndicesCount(); i++) {
      if (Files.notExists(path(JobContract.UNLEARN, i))) {
        throw new IOException("an image of the job is missing: " + path(JobContract.UNLEARN, i));
      }
    }
    return read(JobContract.UNLEARN, card, job.getUnlearnLabelsList());
  }

  /** Learning images. */
  ImageDataset learn(ModelCard card, List<Integer> labels) throws IOException {
    return read(JobContract.LEARN, card, labels);
  }

  private ImageDataset read(String folder, ModelCard card, List<Integer> labels) throws IOException {
    int channels = card.network().channels();
    int resolution = card.network().resolution();
    int size = channels * resolution * resolution;
    int n = count(folder);
    Tensor images = Tensor.zeros(n, channels, resolution, resolution);
    int[] classes = new int[n];
    for (int i = 0; i < n; i++) {
      byte[] file = image(folder, i);
      System.arraycopy(ImageDecoder.decode(file, channels, resolution), 0, images.data(), i * size, size);
      classes[i] = card.conditional() ? labels.get(i) : 0;
    }
    return Datasets.of(card.labels(), images, classes);
  }

  private int count(String folder) {
    int n = 0;
    while (Files.exists(path(folder, n))) {
      n++;
    }
    return n;
  }

  private byte[] image(String folder, int index) throws IOException {
    byte[] file = Files.readAllBytes(path(folder, index));
    return cipher.isPresent() ? cipher.get().open(JobContract.image(folder, index), file) : file;
  }

  private Path path(String folder, int index) {
    return directory.resolve(JobContract.image(folder, index) + (cipher.isPresent() ? JobContract.SEALED : ""));
  }

  /** Writes what was made of an image, encrypted as the images are. */
  void write(String name, byte[] content) throws IOException {
    if (cipher.isPresent()) {
      Files.write(directory.resolve(name + JobContract.SEALED), cipher.get().seal(name, content));
    } else {
      Files.write(directory.resolve(name), content);
    }
  }

  void writeReport(UnlearnReport report) throws IOException {
    Files.writeString(directory.resolve(JobContract.REPORT),
        JsonFormat.printer().preservingProtoFieldNames().alwaysPrintFieldsWithNoPresence().print(report));
  }
}
