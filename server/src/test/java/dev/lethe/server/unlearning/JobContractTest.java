package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.DescriptorProtos.SourceCodeInfo.Location;
import dev.lethe.job.JobContract;
import java.io.IOException;
import java.io.InputStream;
import java.text.NumberFormat;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What the protocol's comments promise is what {@link JobContract} has; the worker's own test is in trainer. */
class JobContractTest {

  private static final int MESSAGES = 4;
  private static final int FIELDS = 2;

  private static FileDescriptorProto file(String name) throws IOException {
    try (InputStream in = JobContractTest.class.getResourceAsStream("/dev/lethe/protocol.binpb")) {
      return FileDescriptorSet.parseFrom(in).getFileList().stream()
          .filter(file -> file.getName().equals("lethe/v1/" + name)).findFirst().orElseThrow();
    }
  }

  private static String comment(String file, String message, String field) throws IOException {
    FileDescriptorProto read = file(file);
    int at = IntStream.range(0, read.getMessageTypeCount())
        .filter(i -> read.getMessageType(i).getName().equals(message)).findFirst().orElseThrow();
    DescriptorProto type = read.getMessageType(at);
    int index = IntStream.range(0, type.getFieldCount())
        .filter(i -> type.getField(i).getName().equals(field)).findFirst().orElseThrow();
    List<Integer> path = List.of(MESSAGES, at, FIELDS, index);
    return read.getSourceCodeInfo().getLocationList().stream().filter(location -> location.getPathList().equals(path))
        .map(Location::getLeadingComments).collect(Collectors.joining()).replaceAll("\\s+", " ");
  }

  /** The comment's sentence, from {@code from} on, must have the values in this form. */
  private static void promises(String file, String message, String field, String sentence, Number... values)
      throws IOException {
    NumberFormat format = NumberFormat.getInstance(Locale.ROOT);
    format.setMaximumFractionDigits(6);
    String expected = sentence;
    for (Number value : values) {
      expected = expected.replaceFirst("#", format.format(value));
    }
    String comment = comment(file, message, field);
    assertTrue(comment.contains(expected), field + ": \"" + expected + "\" is not in \"" + comment + "\"");
  }

  @Test
  void theProtocolPromisesTheDefaultsThatFieldsHave() throws IOException {
    String spec = "UnlearnSpec";
    promises("unlearning.proto", spec, "fake_label", "PAPER #.", JobContract.FAKE_LABEL);
    promises("unlearning.proto", spec, "iterations", "Default #; of recipe PAPER its iterations, default #. 1 to #.",
        JobContract.STEPS, JobContract.PAPER_ITERATIONS, JobContract.LARGEST_ITERATIONS);
    promises("unlearning.proto", spec, "batch", "Default #, of kind CLASS #; a multiple of # from # to #.",
        JobContract.BATCH, JobContract.CLASS_BATCH, JobContract.BATCH_STEP, JobContract.BATCH_STEP,
        JobContract.LARGEST_BATCH);
    promises("unlearning.proto", spec, "learning_rate", "Default #; of recipe PAPER #. Above 0, up to #.",
        JobContract.LEARNING_RATE, JobContract.PAPER_LEARNING_RATE, JobContract.LARGEST_LEARNING_RATE);
    promises("unlearning.proto", spec, "lambda1", "Default #.", JobContract.LAMBDA1);
    promises("unlearning.proto", spec, "lambda2", "Default #.", JobContract.LAMBDA2);
    promises("unlearning.proto", spec, "moving_weight", "Default #; above 0, up to #.", JobContract.MOVING_WEIGHT,
        JobContract.LARGEST_MOVING_WEIGHT);
    promises("unlearning.proto", "Gates", "min_redacted_own", "Defaults # and #.", JobContract.MIN_REDACTED_OWN,
        JobContract.MIN_REDACTED_FRESH);
    promises("unlearning.proto", "Gates", "max_collateral", "Default #.", JobContract.MAX_COLLATERAL);
    promises("unlearning.proto", "Gates", "max_fid_root_increase", "Default #.", JobContract.MAX_FID_ROOT_INCREASE);
    promises("unlearning.proto", "Gates", "max_membership", "Default #.", JobContract.MAX_MEMBERSHIP);
    promises("unlearning.proto", "Gates", "max_recognised", "Default #.", JobContract.MAX_RECOGNISED);
    promises("inspection.proto", "ProjectRequest", "steps", "1 to #; default #.", JobContract.MOST_PROJECTION_STEPS,
        JobContract.PROJECTION_STEPS);
  }

  @Test
  void theProtocolNamesTheFilesOfAJob() throws IOException {
    FileDescriptorProto worker = file("worker.proto");
    String all = worker.getSourceCodeInfo().getLocationList().stream()
        .map(location -> location.getLeadingComments() + String.join("", location.getLeadingDetachedCommentsList()))
        .collect(Collectors.joining());
    for (String name : List.of(JobContract.JOB, JobContract.UNLEARN + "/NNNN.png" + JobContract.SEALED,
        JobContract.LEARN + "/NNNN.png" + JobContract.SEALED, JobContract.CHECKPOINT + "/", JobContract.CANDIDATE + "/",
        JobContract.REPORT, JobContract.PICTURES, JobContract.LOG, JobContract.KEY_VARIABLE, JobContract.LATENTS,
        JobContract.PROJECTION, JobContract.SIDE_BY_SIDE)) {
      assertTrue(all.contains(name), name + " is not in worker.proto's comments");
    }
    assertEquals("unlearn/0007.png", JobContract.image(JobContract.UNLEARN, 7));
  }
}
