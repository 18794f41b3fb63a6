package dev.lethe.server.unlearning;

import com.google.protobuf.util.Timestamps;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.image.ImageDecoder;
import dev.lethe.models.image.ImageEncoder;
import dev.lethe.models.image.InvalidImageException;
import dev.lethe.server.registry.ClassLabels;
import dev.lethe.server.registry.Lease;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.rpc.Call;
import dev.lethe.server.rpc.Sink;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UploadedImages;
import dev.lethe.v1.WorkerJob;
import io.grpc.Status;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One submission while it comes in: each image is checked, decoded and written anew as PNG before the next message is
 * read, so that a large submission takes disk and not memory, and no byte of a client's file reaches the worker.
 *
 * <p>Lives on the call's context; what blocks runs elsewhere, one piece at a time.
 */
final class Upload implements Sink<SubmitRequest> {

  /** Most images of either role. */
  static final int LARGEST_COUNT = 10_000;
  /** Most bytes of a submission's images, as PNG on the disk. */
  static final long LARGEST_BYTES = 1L << 30;

  private static final Logger LOG = LoggerFactory.getLogger(Upload.class);

  private final Vertx vertx;
  private final ModelRegistry registry;
  private final JobStore store;
  private final JobQueue queue;
  private final String data;
  private final Call<Job> call;
  private final String id = JobStore.newId();
  private final WorkerJob.Builder work = WorkerJob.newBuilder();
  private Future<Void> last = Future.succeededFuture();
  private boolean submitting;

  // Set by the first message.
  private UnlearnSpec spec;
  private ModelCard card;
  // Written where blocking work runs, which is never two pieces at once.
  private JobDirectory directory;
  private int unlearnImages;
  private int learnImages;
  private long bytes;

  /** @param data directory of the data set that workers are told of; empty for none */
  Upload(Vertx vertx, ModelRegistry registry, JobStore store, JobQueue queue, String data, Call<Job> call) {
    this.vertx = vertx;
    this.registry = registry;
    this.store = store;
    this.queue = queue;
    this.data = data;
    this.call = call;
  }

  @Override
  public Future<Void> message(SubmitRequest message) {
    switch (message.getPartCase()) {
      case SPEC -> {
        if (spec != null) {
          throw UnlearnSpecs.invalid("spec: came twice; only the first message holds it");
        }
        begin(message.getSpec());
      }
      case IMAGES -> {
        if (spec == null) {
          throw UnlearnSpecs.invalid("spec: is missing; the first message must hold it");
        }
        last = vertx.executeBlocking(() -> {
          store(message.getImages());
          return null;
        }, false);
      }
      case PART_NOT_SET -> throw UnlearnSpecs.invalid("part: a message must hold spec or images");
    }
    return last;
  }

  private void begin(UnlearnSpec requested) {
    call.about("job_id", id);
    call.about("model", requested.getModel());
    queue.unavailable().ifPresent(reason -> {
      throw Status.FAILED_PRECONDITION.withDescription(reason).asRuntimeException();
    });
    try (Lease active = registry.model(requested.getModel()).lease()) {
      card = active.card();
    }
    spec = UnlearnSpecs.check(requested, card.name());
  }

  private void store(UploadedImages images) throws IOException {
    ImageRole role = switch (images.getRole()) {
      case IMAGE_ROLE_UNSPECIFIED, IMAGE_ROLE_UNLEARN -> ImageRole.IMAGE_ROLE_UNLEARN;
      case IMAGE_ROLE_LEARN -> ImageRole.IMAGE_ROLE_LEARN;
      case UNRECOGNIZED -> throw UnlearnSpecs.invalid("images.role: " + images.getRoleValue()
          + " is not known; use UNLEARN (1) or LEARN (2)");
    };
    if (directory == null) {
      directory = store.beginUpload(id);
    }
    for (LabelledImage image : images.getImagesList()) {
      store(role, image);
    }
  }

  private void store(ImageRole role, LabelledImage image) throws IOException {
    boolean learn = role == ImageRole.IMAGE_ROLE_LEARN;
    int index = learn ? learnImages : unlearnImages;
    String field = (learn ? "learn" : "unlearn") + " images[" + index + "]";
    if (index == LARGEST_COUNT) {
      throw UnlearnSpecs.invalid(field + ": is one too many; the limit is " + LARGEST_COUNT);
    }
    if (image.getImage().getFormat() == ImageFormat.IMAGE_FORMAT_RAW) {
      throw UnlearnSpecs.invalid(field + ".image.format: RAW is not taken; upload PNG or JPEG");
    }
    label(field, image.getLabel(), learn);
    ModelCard.Network network = card.network();
    byte[] png;
    try {
      byte[] pixels = ImageDecoder.decodeBytes(image.getImage().getData().toByteArray(), network.channels(),
          network.resolution());
      png = ImageEncoder.png(pixels, network.channels(), network.resolution(), network.resolution());
    } catch (InvalidImageException e) {
      throw UnlearnSpecs.invalid(field + ".image: " + e.getMessage());
    }
    bytes += png.length;
    if (bytes > LARGEST_BYTES) {
      throw UnlearnSpecs.invalid(field + ".image: passes the limit of " + LARGEST_BYTES
          + " bytes for all images of a job");
    }
    directory.writeImage(role, index, png);
    if (learn) {
      learnImages++;
    } else {
      unlearnImages++;
    }
  }

  private void label(String field, String label, boolean learn) {
    if (!card.conditional()) {
      if (!label.isEmpty()) {
        throw UnlearnSpecs.invalid(field + ".label: model " + card.name() + " has no classes; leave it empty");
      }
      return;
    }
    if (label.isEmpty()) {
      throw UnlearnSpecs.invalid(field + ".label: is empty; name the image's class, one of " + card.labels());
    }
    int index = ClassLabels.index(card, label, field + ".label");
    if (learn) {
      work.addLearnLabels(index);
    } else {
      work.addUnlearnLabels(index);
    }
  }

  @Override
  public void end() {
    if (spec == null) {
      throw UnlearnSpecs.invalid("spec: is missing; the submission is empty");
    }
    if (unlearnImages == 0) {
      throw UnlearnSpecs.invalid("images: there is none to unlearn; send at least one");
    }
    if (learnImages == 0 && data.isEmpty()) {
      throw UnlearnSpecs.invalid("images: there is none of role LEARN, and this server has no data set (--data)"
          + " to take learning images from");
    }
    submitting = true;
    vertx.executeBlocking(this::submit, false).onFailure(call::fail).onSuccess(job -> {
      call.send(job);
      call.finish();
    });
  }

  private Job submit() throws IOException {
    Job job = Job.newBuilder()
        .setId(id)
        .setSpec(spec)
        .setState(JobState.JOB_STATE_QUEUED)
        .setUnlearnImages(unlearnImages)
        .setLearnImages(learnImages)
        .setSubmitted(Timestamps.now())
        .setBaseVersion(card.version())
        .setSubmittedBy(call.caller().principal().name())
        .build();
    return queue.submit(directory, job, work.setJobId(id).setSpec(spec).setData(data).build());
  }

  @Override
  public void abandoned() {
    if (submitting) {
      return;
    }
    last.onComplete(done -> vertx.executeBlocking(() -> {
      if (directory != null) {
        store.discard(directory);
      }
      return null;
    }, false).onFailure(e -> LOG.warn("the rest of a broken upload cannot be deleted: {}", e.getMessage())));
  }
}
