package dev.lethe.server.unlearning;

import com.google.protobuf.ByteString;
import com.google.protobuf.util.JsonFormat;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.encryption.FileCipher;
import dev.lethe.models.image.ImageDecoder;
import dev.lethe.models.image.ImageEncoder;
import dev.lethe.server.audit.AuditLog;
import dev.lethe.server.encryption.MasterKey;
import dev.lethe.server.jobs.Phases;
import dev.lethe.server.registry.Lease;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.v1.Gates;
import dev.lethe.v1.Image;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UploadedImages;
import dev.lethe.v1.WorkerJob;
import java.io.IOException;
import java.time.Instant;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads, checks and writes a submission that nobody has sent, and that goes nowhere. The first one of a server loads
 * hundreds of classes, those of its messages on the event loop, where others' calls wait for a tenth of a second.
 */
record Rehearsal(ModelRegistry registry, JobQueue queue, MasterKey key) implements Callable<Void> {

  private static final Logger LOG = LoggerFactory.getLogger(Rehearsal.class);
  private static final String JOB = "rehearsal";

  /** Whatever comes of it: a real submission is told what is wrong. */
  @Override
  public Void call() {
    for (String model : registry.names()) {
      try (Lease active = registry.model(model).lease()) {
        submit(active);
      } catch (IOException | RuntimeException e) {
        LOG.debug("{}: a submission cannot be rehearsed", model, e);
      }
    }
    return null;
  }

  void submit(Lease active) throws IOException {
    ModelCard card = active.card();
    ModelCard.Network network = card.network();
    queue.full(JOB);
    UnlearnSpec.Builder asked = UnlearnSpec.newBuilder().setModel(card.name()).setGates(Gates.getDefaultInstance());
    if (card.conditional()) {
      asked.setKind(UnlearnKind.UNLEARN_KIND_CLASS).addClasses(card.labels().get(0));
    }
    byte[] png = ImageEncoder.png(new byte[network.channels() * network.resolution() * network.resolution()],
        network.channels(), network.resolution(), network.resolution());
    LabelledImage image = LabelledImage.newBuilder().setImage(Image.newBuilder()
        .setData(ByteString.copyFrom(png))).build();
    UploadedImages images = SubmitRequest.parseFrom(SubmitRequest.newBuilder()
        .setImages(UploadedImages.newBuilder().setRole(ImageRole.IMAGE_ROLE_UNLEARN).addImages(image)).build()
        .toByteString()).getImages();
    UnlearnSpec sent = SubmitRequest.parseFrom(SubmitRequest.newBuilder().setSpec(asked).build().toByteString())
        .getSpec();
    UnlearnSpec spec = UnlearnSpecs.check(sent, card, active.recognises());
    AuditLog.kind(spec);
    ImageDecoder.prepare(images.getImages(0).getImage().getData().toByteArray(), network.channels(),
        network.resolution(), UnlearnSpecs.preparation(spec));
    byte[] imageKey = FileCipher.newKey();
    new FileCipher(imageKey).seal(JOB, png);
    key.seal(JOB, imageKey);
    key.digest(spec.toString());
    WorkerJob.Builder work = WorkerJob.newBuilder();
    JsonFormat.parser().merge(JsonFormat.printer().print(WorkerJob.newBuilder().setJobId(JOB).setSpec(spec)), work);
    Job job = Phases.accept(Job.newBuilder().setId(JOB).setSpec(work.getSpec()), JOB, Instant.now());
    Job.parseFrom(job.toByteString());
    JsonFormat.printer().print(job);
    queue.withPosition(job);
  }
}
