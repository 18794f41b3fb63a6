package dev.lethe.server.unlearning;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.encryption.FileCipher;
import dev.lethe.models.features.RecognisedClasses;
import dev.lethe.models.image.ImageDecoder;
import dev.lethe.models.image.ImageEncoder;
import dev.lethe.models.image.InvalidImageException;
import dev.lethe.models.image.PreparedImage;
import dev.lethe.server.audit.AuditLog;
import dev.lethe.server.encryption.MasterKey;
import dev.lethe.server.errors.DomainException.Exhausted;
import dev.lethe.server.errors.DomainException.Precondition;
import dev.lethe.models.files.Digests;
import dev.lethe.server.jobs.Commitment;
import dev.lethe.server.registry.ClassLabels;
import dev.lethe.server.registry.Lease;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.rpc.Call;
import dev.lethe.server.rpc.Sink;
import dev.lethe.v1.BadImages;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.UnlearnMode;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UploadedImages;
import dev.lethe.v1.WorkerJob;
import io.vertx.core.Future;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One submission while it comes in: each image is checked, decoded and written anew as PNG before the next message is
 * read, so that a large submission takes disk and not memory, and no byte of a client's file reaches the worker.
 *
 * <p>Lives on the call's context; what blocks runs elsewhere, one piece at a time.
 */
final class SubmitUpload implements Sink<SubmitRequest> {

  /** Most images of either role. */
  static final int LARGEST_COUNT = 10_000;
  /** Most bytes of a submission's images, as PNG on the disk. */
  static final long LARGEST_BYTES = 1L << 30;
  private static final int LONGEST_KEY = 128;

  private static final Pattern INDEXED = Pattern.compile("(un)?learn images\\[\\d+]");
  private static final Logger LOG = LoggerFactory.getLogger(SubmitUpload.class);

  private final Background background;
  private final ModelRegistry registry;
  private final JobFolders folders;
  private final JobQueue queue;
  private final MasterKey key;
  private final String data;
  private final Call<Job> call;
  private final String id = JobFolders.newId();
  private final WorkerJob.Builder work = WorkerJob.newBuilder();
  private Future<Void> last = Future.succeededFuture();
  private boolean submitting;
  // To unlearn, whether they are taken or not.
  private int received;

  // Set by the first message.
  private UnlearnSpec spec;
  private ModelCard card;
  private Set<Integer> erased;
  // Written where blocking work runs, which is never two pieces at once.
  private JobDirectory directory;
  private int unlearnImages;
  private int learnImages;
  private long bytes;
  private final Map<String, Seen> seen = new HashMap<>();
  private final List<Integer> skipped = new ArrayList<>();
  private final byte[] imageKey = FileCipher.newKey();
  private final FileCipher cipher = new FileCipher(imageKey);
  private final List<Commitment> commitments = new ArrayList<>();
  private final List<String> asked = new ArrayList<>();
  private int sentToUnlearn;
  private int sentToLearn;

  /** An image that is here already. */
  private record Seen(String field, boolean learn) {}

  /**
   * @param key seals the key of the images
   * @param data directory of the data set that workers are told of; empty for none
   */
  SubmitUpload(Background background, ModelRegistry registry, JobFolders folders, JobQueue queue, MasterKey key,
      String data, Call<Job> call) {
    this.background = background;
    this.registry = registry;
    this.folders = folders;
    this.queue = queue;
    this.key = key;
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
        last = background.run(() -> {
          queue.full(call.caller().principal().name()).ifPresent(full -> {
            throw full;
          });
          return null;
        });
      }
      case IMAGES -> {
        if (spec == null) {
          throw UnlearnSpecs.invalid("spec: is missing; the first message must hold it");
        }
        received += message.getImages().getRole() == ImageRole.IMAGE_ROLE_LEARN ? 0
            : message.getImages().getImagesCount();
        call.about("images", Integer.toString(received));
        last = background.run(() -> onDisk(() -> {
          store(message.getImages());
          return null;
        }));
      }
      case PART_NOT_SET -> throw UnlearnSpecs.invalid("part: a message must hold spec or images");
    }
    return last;
  }

  /** A full disk is nobody's mistake, and is told as what it is. */
  private static <T> T onDisk(Callable<T> work) throws Exception {
    try {
      return work.call();
    } catch (IOException e) {
      if (TakeOver.isFullDisk(e)) {
        throw new Exhausted("images: there is no space left for them on the server's disk;"
            + " nothing of the request is kept", e);
      }
      throw e;
    }
  }

  private void begin(UnlearnSpec requested) {
    if (requested.getRequestKey().length() > LONGEST_KEY) {
      throw UnlearnSpecs.invalid("spec.request_key: has " + requested.getRequestKey().length()
          + " characters; the most are " + LONGEST_KEY);
    }
    queue.unavailable().ifPresent(reason -> {
      throw new Precondition(reason);
    });
    RecognisedClasses recognises;
    try (Lease active = registry.model(requested.getModel()).lease()) {
      card = active.card();
      recognises = active.recognises();
    }
    call.about("model", card.name());
    call.about("version", card.version());
    spec = UnlearnSpecs.check(requested, card, recognises);
    erased = card.conditional() ? UnlearnSpecs.classes(spec, card) : Set.of();
    call.about("kind", AuditLog.kind(spec));
    work.addAllClasses(erased);
  }

  private void store(UploadedImages images) throws IOException {
    ImageRole role = switch (images.getRole()) {
      case IMAGE_ROLE_UNSPECIFIED, IMAGE_ROLE_UNLEARN -> ImageRole.IMAGE_ROLE_UNLEARN;
      case IMAGE_ROLE_LEARN -> ImageRole.IMAGE_ROLE_LEARN;
      case UNRECOGNIZED -> throw UnlearnSpecs.invalid("images.role: " + images.getRoleValue()
          + " is not known; use UNLEARN (1) or LEARN (2)");
    };
    beginDirectory();
    for (LabelledImage image : images.getImagesList()) {
      store(role, image);
    }
  }

  private void beginDirectory() throws IOException {
    if (directory == null) {
      directory = folders.beginUpload(id);
    }
  }

  private void store(ImageRole role, LabelledImage image) throws IOException {
    boolean learn = role == ImageRole.IMAGE_ROLE_LEARN;
    int sent = learn ? sentToLearn++ : sentToUnlearn++;
    // Names tell of people: refusals have them, what is kept has not.
    String place = (learn ? "learn" : "unlearn") + " images[" + sent + "]";
    String field = ImageField.of(image, place, card, call::conceal);
    if (sent == LARGEST_COUNT) {
      throw UnlearnSpecs.invalid(field + ": is one too many; the limit is " + LARGEST_COUNT);
    }
    if (image.getImage().getFormat() == ImageFormat.IMAGE_FORMAT_RAW) {
      throw UnlearnSpecs.invalid(part(field, "image.format") + ": RAW is not taken; upload PNG, JPEG or WebP");
    }
    OptionalInt label = label(field, image.getLabel(), learn);
    Optional<byte[]> read = pixels(field, place, image);
    if (read.isEmpty()) {
      if (!learn) {
        skipped.add(sent);
      }
      return;
    }
    byte[] pixels = read.get();
    String digest = Digests.sha256(pixels);
    if (known(field, digest, learn)) {
      skipped.add(sent);
      return;
    }
    asked.add(role + " " + label.orElse(-1) + " " + digest + "\n");
    ModelCard.Network network = card.network();
    byte[] png = ImageEncoder.png(pixels, network.channels(), network.resolution(), network.resolution());
    bytes += png.length;
    if (bytes > LARGEST_BYTES) {
      throw UnlearnSpecs.invalid(part(field, "image") + ": passes the limit of " + LARGEST_BYTES
          + " bytes for all images of a job");
    }
    directory.writeImage(role, learn ? learnImages : unlearnImages, png, cipher);
    if (learn) {
      label.ifPresent(work::addLearnLabels);
      learnImages++;
    } else {
      label.ifPresent(work::addUnlearnLabels);
      commitments.add(Commitment.to(pixels));
      work.addUnlearnIndices(sent).addUnlearnNames(field);
      unlearnImages++;
    }
  }

  /** Pixels as the model takes them; empty of an image that cannot be read and shall be left out. */
  private Optional<byte[]> pixels(String field, String place, LabelledImage image) {
    ModelCard.Network network = card.network();
    try {
      PreparedImage prepared = ImageDecoder.prepare(image.getImage().getData().toByteArray(), network.channels(),
          network.resolution(), UnlearnSpecs.preparation(spec));
      if (!prepared.steps().isEmpty()) {
        work.addPreparations(place + ": " + String.join(", ", prepared.steps()));
      }
      return Optional.of(prepared.pixels());
    } catch (InvalidImageException e) {
      if (spec.getSkipUnreadable()) {
        work.addPreparations(place + ": left out: " + e.getMessage());
        return Optional.empty();
      }
      throw UnlearnSpecs.invalid(part(field, "image") + ": " + e.getMessage());
    }
  }

  /**
   * Whether an image to unlearn is here already and shall be left out. Learning images may come twice, but none of them
   * may be one to unlearn.
   */
  private boolean known(String field, String digest, boolean learn) throws IOException {
    Seen other = seen.putIfAbsent(digest, new Seen(field, learn));
    if (other == null || learn && other.learn()) {
      return false;
    }
    if (learn || other.learn()) {
      throw UnlearnSpecs.invalid(part(field, "image") + ": is the same as " + other.field()
          + "; an image cannot be both learned and "
          + "unlearned");
    }
    if (spec.getBadImages() == BadImages.BAD_IMAGES_SKIP) {
      return true;
    }
    throw UnlearnSpecs.invalid(part(field, "image") + ": is the same as " + other.field()
        + "; send it once, or let bad_images be SKIP");
  }

  /** A part of an image by the name that its client knows it by: a file's own name says more than an index. */
  private static String part(String field, String part) {
    return INDEXED.matcher(field).matches() ? field + "." + part : part.equals("image") ? field : field + ", " + part;
  }

  /** The class of an image; empty for an unconditional model. */
  private OptionalInt label(String field, String label, boolean learn) {
    if (!card.conditional()) {
      if (!label.isEmpty()) {
        throw UnlearnSpecs.invalid(part(field, "label") + ": model " + card.name() + " has no classes; leave it empty");
      }
      return OptionalInt.empty();
    }
    if (label.isEmpty()) {
      throw UnlearnSpecs.invalid(part(field, "label") + ": is empty; name the image's class, one of " + card.labels());
    }
    int index = ClassLabels.index(card, label, part(field, "label"));
    if (!erased.isEmpty() && learn == erased.contains(index)) {
      throw UnlearnSpecs.invalid(part(field, "label") + ": is \"" + card.labels().get(index) + "\", "
          + (learn ? "a class to unlearn; learning images must be of the others"
              : "which is none of the classes to unlearn, " + spec.getClassesList()));
    }
    return OptionalInt.of(index);
  }

  @Override
  public void end() {
    if (spec == null) {
      throw UnlearnSpecs.invalid("spec: is missing; the submission is empty");
    }
    if (unlearnImages == 0 && erased.isEmpty()) {
      throw UnlearnSpecs.invalid("images: there is none to unlearn; send at least one");
    }
    boolean learnable = learnImages > 0 || !data.isEmpty();
    UnlearnSpecs.requireLearnable(spec, learnable);
    if (spec.getMode() == UnlearnMode.UNLEARN_MODE_UNSPECIFIED) {
      spec = spec.toBuilder().setMode(learnable ? UnlearnMode.UNLEARN_MODE_FEW_SHOT
          : UnlearnMode.UNLEARN_MODE_ZERO_SHOT).build();
    }
    submitting = true;
    call.about("images", Integer.toString(unlearnImages));
    call.about("learn_images", Integer.toString(learnImages));
    background.run(() -> onDisk(this::submit)).onFailure(call::fail).onSuccess(job -> {
      // Only now it is known which job it is: a request that is sent once more has one already.
      call.about("job_id", job.getId());
      call.send(job);
      call.finish();
    });
  }

  private Job submit() throws IOException {
    beginDirectory();
    Job.Builder job = Job.newBuilder()
        .setId(id)
        .setSpec(spec)
        .setUnlearnImages(unlearnImages)
        .setLearnImages(learnImages)
        .setBaseVersion(card.version())
        .setSubmittedBy(call.caller().principal().name());
    return queue.submit(directory, job, work.setJobId(id).setSpec(spec).setData(data)
        .addAllSkippedImages(skipped).build(),
        new JobQueue.Asked(request(), key.seal(id, imageKey), commitments));
  }

  /** What is asked for: equal for equal requests, in whatever order the images come. */
  private String request() {
    return key.digest(spec.toBuilder().clearRequestKey().build() + "\n"
        + asked.stream().sorted().collect(Collectors.joining()));
  }

  @Override
  public void abandoned() {
    if (submitting) {
      return;
    }
    last.onComplete(done -> background.run(() -> {
      if (directory != null) {
        folders.discard(directory);
      }
      return null;
    }).onFailure(e -> LOG.warn("the rest of a broken upload cannot be deleted: {}", e.getMessage())));
  }
}
