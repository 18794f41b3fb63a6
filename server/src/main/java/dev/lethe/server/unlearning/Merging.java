package dev.lethe.server.unlearning;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.encryption.FileCipher;
import dev.lethe.models.files.Digests;
import dev.lethe.server.encryption.MasterKey;
import dev.lethe.server.jobs.JobRecord;
import dev.lethe.server.jobs.JobStore;
import dev.lethe.server.jobs.Phases;
import dev.lethe.v1.BadImages;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.WorkerJob;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which jobs that wait are carried out by the run of the first of them, and what its worker is told then. They ask for
 * the same in the same way, of other images or classes; each stays a job of its own, goes through all phases with the
 * first, and is judged by itself. Where that does not come out well for each of them, all are carried out one by one.
 *
 * @param tracking the job as it is followed here; empty if it has ended
 */
record Merging(JobStore store, MasterKey key, MergeRules rules, ApprovalRules approval,
    Function<String, Optional<TrackedJob>> tracking) {

  private static final Logger LOG = LoggerFactory.getLogger(Merging.class);
  /** How the cause begins of the change by which a job is not merged any more. */
  static final String APART = "is carried out by itself from now on: ";
  /** Most jobs of one run. */
  private static final int MOST_JOBS = 64;

  /**
   * What a worker is told.
   *
   * @param others that are carried out, too
   * @param work of the first job and the others
   * @param places of each job's images among all, by job, in order; empty lists of classes without images
   */
  record Combined(List<TrackedJob> others, WorkerJob work, Map<String, List<Integer>> places) {}

  /** The jobs that go through the phases with a job now. */
  List<TrackedJob> with(TrackedJob first) {
    return first.record().job().getMergedJobsList().stream().map(tracking).flatMap(Optional::stream)
        .filter(other -> other.record().job().getMergedInto().equals(first.id()))
        .filter(other -> other.record().job().getPhase() != JobPhase.JOB_PHASE_QUEUED).toList();
  }

  /**
   * The jobs that a run of a job, which is to begin, carries out, too: those that an earlier one did, if they all still
   * wait, so that it goes on from there; else all that can be.
   *
   * @param card of the version that it begins from
   */
  List<TrackedJob> gather(TrackedJob first, ModelCard card) {
    JobRecord record = first.record();
    Job job = record.job();
    if (!rules.merges(job.getSpec().getModel()) || approval.asks(job.getSpec().getModel()) || !isMergeable(record)) {
      return List.of();
    }
    Set<Integer> classes = new HashSet<>(record.work().getClassesList());
    long stay = card.labels().stream().filter(label -> !card.unlearnedLabels().containsKey(label)).count();
    int images = job.getUnlearnImages();
    Map<String, JobRecord> found = new LinkedHashMap<>();
    // Of those alone that come after it: one that goes before a run's first would be taken for that.
    for (JobRecord other : store.open().stream().dropWhile(open -> !open.job().getId().equals(job.getId())).skip(1)
        .toList()) {
      Set<Integer> all = new HashSet<>(classes);
      all.addAll(other.work().getClassesList());
      if (other.job().getPhase() == JobPhase.JOB_PHASE_QUEUED
          && found.size() < MOST_JOBS - 1 && isMergeable(other) && sameOptions(record, other)
          && images + other.job().getUnlearnImages() <= SubmitUpload.LARGEST_COUNT
          && (all.isEmpty() || all.size() < stay)) {
        found.put(other.job().getId(), other);
        classes = all;
        images += other.job().getUnlearnImages();
      }
    }
    List<String> before = job.getMergedJobsList();
    List<String> ids = !before.isEmpty() && found.keySet().containsAll(before) ? before : List.copyOf(found.keySet());
    return ids.stream().map(tracking).flatMap(Optional::stream).toList();
  }

  /** Whether nothing but its images or classes tells a job from another that asks for the same. */
  private static boolean isMergeable(JobRecord record) {
    UnlearnSpec spec = record.job().getSpec();
    boolean images = record.job().getUnlearnImages() > 0;
    // A class with images of it, or one of an unconditional model, is more than its name; what is left out is told by
    // place in one request.
    return images != (spec.getKind() == UnlearnKind.UNLEARN_KIND_CLASS) && record.job().getLearnImages() == 0
        && !spec.getKeepAsCandidate() && !spec.getKeepPictures() && !spec.hasMaxInversionError()
        && spec.getBadImages() != BadImages.BAD_IMAGES_SKIP && !isApart(record.job());
  }

  private static boolean isApart(Job job) {
    return job.getChangesList().stream().anyMatch(change -> change.getCause().startsWith(APART));
  }

  private static boolean sameOptions(JobRecord one, JobRecord other) {
    return options(one).equals(options(other)) && one.work().getData().equals(other.work().getData());
  }

  private static UnlearnSpec options(JobRecord record) {
    return record.job().getSpec().toBuilder().clearRequestKey().clearClasses().build();
  }

  /**
   * Puts the images of all jobs into the first one's folder, encrypted with its key, and makes what its worker is told.
   * What an earlier run put there is taken away before. A job whose images cannot be read is left to its own run, which
   * says so.
   *
   * @param work of the first job alone
   */
  Combined combine(TrackedJob first, List<TrackedJob> others, WorkerJob work) throws IOException {
    int own = first.record().job().getUnlearnImages();
    first.directory().keepImages(own);
    Map<String, List<Integer>> places = new LinkedHashMap<>();
    if (others.isEmpty()) {
      return new Combined(others, work, places);
    }
    List<TrackedJob> taken = new ArrayList<>();
    WorkerJob.Builder all = work.toBuilder().clearUnlearnLabels().clearUnlearnIndices().clearUnlearnNames()
        .clearPreparations().clearClasses();
    Set<Integer> classes = new TreeSet<>();
    Set<String> names = new TreeSet<>();
    // One image may be in several requests.
    Map<String, Integer> known = new HashMap<>();
    for (TrackedJob job : concat(first, others)) {
      JobRecord record = job.record();
      List<byte[]> images;
      try {
        images = images(job);
      } catch (IOException e) {
        if (job == first) {
          throw e;
        }
        LOG.warn("job {} is not merged: {}", job.id(), e.getMessage());
        continue;
      }
      if (job != first) {
        taken.add(job);
      }
      classes.addAll(record.work().getClassesList());
      names.addAll(record.job().getSpec().getClassesList());
      List<Integer> at = new ArrayList<>();
      for (int i = 0; i < images.size(); i++) {
        byte[] png = images.get(i);
        Optional<Integer> label = i < record.work().getUnlearnLabelsCount()
            ? Optional.of(record.work().getUnlearnLabels(i)) : Optional.empty();
        String image = label + " " + Digests.sha256(png);
        Integer place = known.get(image);
        if (place == null) {
          place = known.size();
          known.put(image, place);
          if (job != first) {
            first.directory().writeImage(ImageRole.IMAGE_ROLE_UNLEARN, place, png, cipher(first.record()));
          }
          label.ifPresent(all::addUnlearnLabels);
          // Names are for whoever sent the images, and for nobody else.
          all.addUnlearnIndices(place).addUnlearnNames("unlearn images[" + place + "]");
        }
        at.add(place);
      }
      places.put(job.id(), at);
    }
    if (taken.isEmpty()) {
      return new Combined(taken, work, Map.of());
    }
    all.addAllClasses(classes).setSpec(work.getSpec().toBuilder().clearClasses().addAllClasses(names));
    return new Combined(taken, all.build(), places);
  }

  /** A job's images to unlearn, as PNG. */
  private List<byte[]> images(TrackedJob job) throws IOException {
    if (job.record().job().getUnlearnImages() == 0) {
      // Of classes that were retried, the key is forgotten.
      return List.of();
    }
    FileCipher cipher = cipher(job.record());
    List<byte[]> images = new ArrayList<>();
    for (int i = 0; i < job.record().job().getUnlearnImages(); i++) {
      images.add(job.directory().readImage(i, cipher));
    }
    return images;
  }

  private FileCipher cipher(JobRecord record) throws IOException {
    return new FileCipher(key.open(record.job().getId(), record.sealedKey()));
  }

  /** The first job and those that its run carries out, too. */
  static List<TrackedJob> concat(TrackedJob first, List<TrackedJob> others) {
    List<TrackedJob> all = new ArrayList<>(List.of(first));
    all.addAll(others);
    return all;
  }

  /** A job's record as its part of a run: whose it is, and who else's. */
  static Job part(Job job, TrackedJob first, List<TrackedJob> others) {
    Job.Builder part = job.toBuilder().clearMergedInto().clearMergedJobs();
    return (job.getId().equals(first.id()) ? part.addAllMergedJobs(others.stream().map(TrackedJob::id).toList())
        : part.setMergedInto(first.id())).build();
  }

  /** Whether one of them has ended, by its client's order. */
  static boolean hasLost(List<TrackedJob> others) {
    return others.stream().anyMatch(other -> Phases.hasEnded(other.record().job()));
  }
}
