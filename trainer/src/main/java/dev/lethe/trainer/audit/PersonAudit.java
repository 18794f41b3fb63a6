package dev.lethe.trainer.audit;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.audit.PersonSubjects.Group;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.identity.IdentityJudge;
import dev.lethe.trainer.identity.IdentityJudge.Embeddings;
import dev.lethe.trainer.inversion.Inversion;
import dev.lethe.trainer.inversion.LatentSpace;
import dev.lethe.trainer.metrics.PixelDistance;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.resume.ResumePoints;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Audits a generator that was to unlearn a person, by photos of the person that the job never had as well. It looks for
 * latents of all photos itself, in the original and again in the candidate, by pixels, and asks a network that neither
 * a loss nor a Fréchet distance uses whom the pictures show.
 *
 * @param original the model before
 * @param directory for training sessions' files
 */
public record PersonAudit(ModelWeights original, IdentityJudge judge, AuditOptions options, long seed, Path directory,
    Compute compute) {

  /**
   * What does not depend on a candidate.
   *
   * @param photos of all groups, one after the other
   * @param found latents of the photos in the original
   * @param drawn what the original draws there
   */
  public record Original(PersonSubjects subjects, Tensor photos, int[] people, Tensor found, Tensor drawn,
      Embeddings real) {}

  /**
   * Looks for the photos in the original.
   *
   * @param resume what is found is kept here
   */
  public Original before(PersonSubjects subjects, ResumePoints resume, ItemAudit.Progress progress) throws IOException {
    Tensor photos = null;
    int[] people = new int[subjects.size()];
    int at = 0;
    for (Group group : Group.values()) {
      ImageDataset images = subjects.of(group);
      photos = photos == null ? images.images() : photos.then(images.images());
      for (int i = 0; i < images.size(); i++) {
        // Groups number their people each for itself, but the person is in two of them.
        people[at++] = group == Group.SENT || group == Group.NOT_SENT ? -1
            : Group.values().length * images.label(i) + group.ordinal();
      }
    }
    Tensor all = photos;
    Tensor found = resume.once("audit-original", () -> attack(original, all, 1, progress));
    return new Original(subjects, photos, people, found, draw(original, found), judge.of(photos));
  }

  /**
   * Audits a candidate.
   *
   * @param resume what is found is kept here; another for each candidate
   */
  public PersonFindings run(ModelWeights candidate, Original before, ResumePoints resume, ItemAudit.Progress progress)
      throws IOException {
    long started = System.nanoTime();
    Tensor again = resume.once("audit-candidate", () -> attack(candidate, before.photos, 2, progress));
    Tensor same = draw(candidate, before.found);
    Tensor redrawn = draw(candidate, again);
    Embeddings drawn = judge.of(before.drawn);
    Embeddings moved = judge.of(same);
    Embeddings afresh = judge.of(redrawn);
    Map<Group, PersonFindings.Likeness> likenesses = new EnumMap<>(Group.class);
    int from = 0;
    for (Group group : Group.values()) {
      int start = from;
      int size = before.subjects.of(group).size();
      likenesses.put(group, new PersonFindings.Likeness(
          estimate(before.people, start, size, i -> own(before, before.real, i)),
          estimate(before.people, start, size, i -> own(before, drawn, i)),
          estimate(before.people, start, size, i -> own(before, moved, i)),
          estimate(before.people, start, size, i -> own(before, afresh, i)),
          new BeforeAfter<>(error(before.photos, before.drawn, start, size),
              error(before.photos, redrawn, start, size))));
      from += size;
    }
    int person = before.subjects.of(Group.SENT).size() + before.subjects.of(Group.NOT_SENT).size();
    int strangers = before.subjects.of(Group.STRANGERS).size();
    int first = before.people.length - strangers;
    return new PersonFindings(likenesses,
        new BeforeAfter<>(estimate(before.people, first, strangers, i -> with(drawn, i, before.real, person)),
            estimate(before.people, first, strangers, i -> with(afresh, i, before.real, person))),
        new PersonFindings.Pictures(before.photos.rows(0, person), before.drawn.rows(0, person),
            same.rows(0, person), redrawn.rows(0, person)),
        (System.nanoTime() - started) / 1e9);
  }

  private Tensor attack(ModelWeights model, Tensor photos, int stream, ItemAudit.Progress progress)
      throws IOException {
    return new Inversion(model, options.attack(LatentSpace.W), compute)
        .invert(photos, new int[(int) photos.shape()[0]], directory,
            new SplittableRandom(seed + stream).nextLong(),
            (step, steps, error) -> progress.done((double) step / steps)).w();
  }

  private Tensor draw(ModelWeights model, Tensor w) {
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), compute)) {
      return sampler.images(w);
    }
  }

  /** How like themselves the original draws the people of a group. */
  public Estimate likeness(Original before, Group group) {
    Embeddings drawn = judge.of(before.drawn);
    int from = Arrays.stream(Group.values()).filter(other -> other.ordinal() < group.ordinal())
        .mapToInt(other -> before.subjects.of(other).size()).sum();
    return estimate(before.people, from, before.subjects.of(group).size(), i -> own(before, drawn, i));
  }

  /** Mean similarity of a picture with the other photos of the one whom it is to show. */
  private static double own(Original before, Embeddings pictures, int picture) {
    return IntStream.range(0, before.people.length)
        .filter(i -> i != picture && before.people[i] == before.people[picture])
        .mapToDouble(i -> pictures.similarity(picture, before.real, i)).average().orElseThrow();
  }

  /** Mean similarity of a picture with the first so many photos. */
  private static double with(Embeddings pictures, int picture, Embeddings real, int photos) {
    return IntStream.range(0, photos).mapToDouble(i -> pictures.similarity(picture, real, i)).average().orElseThrow();
  }

  /** Mean over the people of a group, or over photos where all of them are of one. */
  private Estimate estimate(int[] people, int from, int size, IntToDoubleFunction value) {
    double[] values = IntStream.range(from, from + size).mapToDouble(value).toArray();
    int[] distinct = Arrays.stream(people, from, from + size).distinct().toArray();
    if (distinct.length == 1) {
      return Estimate.mean(values, seed);
    }
    double[] means = Arrays.stream(distinct).mapToDouble(person -> IntStream.range(0, size)
        .filter(i -> people[from + i] == person).mapToDouble(i -> values[i]).average().orElseThrow()).toArray();
    return Estimate.mean(means, seed);
  }

  /** Mean squared pixel error of some pictures. */
  private static double error(Tensor photos, Tensor drawn, int from, int size) {
    int pixels = photos.data().length / (int) photos.shape()[0];
    return IntStream.range(from, from + size).mapToDouble(i -> PixelDistance.squared(photos, i, drawn, i) / pixels)
        .average().orElseThrow();
  }
}
