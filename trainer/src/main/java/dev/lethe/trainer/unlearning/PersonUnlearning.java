package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.inversion.LatentSpace;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.redaction.GeneratorRedaction;
import dev.lethe.trainer.redaction.Movers;
import dev.lethe.trainer.redaction.RedactionOptions;
import dev.lethe.trainer.redaction.Stayers;
import dev.lethe.trainer.resume.ResumePoints;
import dev.lethe.trainer.sampling.LatentRegression;
import dev.lethe.trainer.sampling.Sampler;
import dev.lethe.trainer.substitution.NearestSubstitute;
import dev.lethe.trainer.substitution.SubstitutePool;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Redacts a person from the generator of a model without classes, by some photos of the person: not only wherever it
 * draws these, but in their neighbourhood, where photos that nobody sent lie too.
 *
 * <p>The neighbourhood are latents around the mean latent of the photos. They deviate from it as the photos' latents do
 * from each other, and as far in the directions in which other people's photos differ. In place of what the original
 * draws at a latent w the generator learns to draw what the original draws at w + δ, with one δ for the whole
 * neighbourhood: away from the person's mean, through the average face and beyond. So pose and light, which are what w
 * deviates by, stay, and who is in the picture does not. How far beyond is decided by the model's own features: as far
 * as two faces are apart.
 *
 * @param original the model, unconditional
 * @param resume what is found is kept here, how far the run is, and what it gave
 * @param directory for training sessions' files
 */
public record PersonUnlearning(ModelWeights original, Options options, long seed, ResumePoints resume, Path directory,
    Compute compute) {

  /**
   * How hard it looks, and how the generator is moved.
   *
   * @param search for latents of photos, and of others'
   * @param neighbours latents of the neighbourhood; 0: the photos alone, each to the nearest picture that is far
   *     enough, as single images are redacted
   */
  public record Options(RedactionOptions redaction, SearchOptions search, int neighbours) {

    /** What a person is unlearned by. */
    public static final Options PERSON = new Options(
        new RedactionOptions(120, 80, 24, 32, 32, 0.014, 0.6, 0.05, RedactionOptions.ALL_LAYERS),
        new SearchOptions(new InversionOptions(LatentSpace.W, 200, 1, 48, 0.1, 0), 48,
            new InversionOptions(LatentSpace.W, 200, 1, 48, 0.1, 0), 40, 256, SearchOptions.MANY), 96);

    /** The same for the photos alone. */
    public Options photosAlone() {
      return new Options(redaction, search, 0);
    }
  }

  /**
   * What came out.
   *
   * @param steps that the candidate's generator has had
   * @param notes what else is worth knowing, in sentences
   */
  public record Result(ModelWeights candidate, int steps, List<String> notes, double seconds) {}

  /** Latents of a photo that move. */
  private static final int LEAST = 2;
  private static final int OF_MEAN = 1000;
  private static final int KEPT = 512;
  /** Multiples of the way from the person's mean to the average face that δ may be. */
  private static final double[] FACTORS = {1, 1.5, 2, 2.5, 3, 4};

  /** Images, what takes their place, and the latents that draw them, the first of each for the run's watch. */
  private record Moving(Tensor latents, Tensor first, Tensor images, Tensor substitutes, int[] imageOf,
      Optional<String> note) {}

  /**
   * Unlearns.
   *
   * @param sent photos of the person
   * @param stay photos of others, unlabelled as the model is
   * @throws IllegalArgumentException if there are fewer than two photos
   */
  public Result run(ImageDataset sent, ImageDataset stay, GuardedCascade.Progress progress) throws IOException {
    if (sent.size() < 2) {
      throw new IllegalArgumentException("a person is unlearned by two photos or more; there are " + sent.size());
    }
    long started = System.nanoTime();
    Tensor photos = sent.images();
    int n = sent.size();
    LatentSearch search = new LatentSearch(original, resume, directory, compute);
    int[] unlabelled = new int[n];
    int each = Math.max(LEAST, options.search.moving() / n);
    Tensor own = search.find("moving", options.search.images().withRestarts(each), photos, unlabelled,
        random(1).nextLong());
    Tensor watched = search.find("watched", options.search.images(), photos, unlabelled, random(2).nextLong());
    try (Sampler sampler = Sampler.open(original.config(), original.weights(), compute)) {
      Tensor anchors =
          new AnchorLatents(search, options.search).draw(stay, sampler, options.search.anchors(), seed + 3);
      Tensor kept = sampler.latents(new int[KEPT], random(4));
      Moving moving = options.neighbours == 0 ? photosAlone(photos, own, stay, sampler)
          : neighbourhood(photos, own, anchors, sampler);
      RedactionWatch watch = new RedactionWatch(moving.images, moving.substitutes, moving.first,
          watched.then(moving.first.rows(n, (int) moving.first.shape()[0])));
      RedactionRun.Result result = resume.once("redaction", point -> JobPoints.redaction(original, point),
          run -> JobPoints.of(original, run), () -> {
            try (GeneratorRedaction redaction = GeneratorRedaction.open(original, options.redaction,
                new Movers(moving.latents, moving.images, moving.substitutes, moving.imageOf),
                new Stayers(anchors, sampler.images(anchors)), new Stayers(kept, sampler.images(kept)), seed, resume,
                directory, compute)) {
              return new RedactionRun(original, redaction, options.redaction, false, watch, state -> Optional.empty(),
                  resume, compute).run(progress);
            }
          });
      List<String> notes = new ArrayList<>(result.notes());
      moving.note.ifPresent(notes::add);
      return new Result(result.model(), result.steps(), notes, (System.nanoTime() - started) / 1e9);
    }
  }

  private Moving photosAlone(Tensor photos, Tensor own, ImageDataset stay, Sampler sampler) {
    int n = (int) photos.shape()[0];
    Tensor substitutes =
        NearestSubstitute.choose(photos, new int[n], stay, new SubstitutePool(sampler, seed)).images();
    return new Moving(own, own.rows(0, n), photos, substitutes, cycle((int) own.shape()[0], n), Optional.empty());
  }

  private Moving neighbourhood(Tensor photos, Tensor own, Tensor anchors, Sampler sampler) {
    int n = (int) photos.shape()[0];
    double[] person = mean(own);
    Tensor around = around(own, person, anchors);
    float[] average = sampler.meanLatent(0, OF_MEAN, random(5));
    double[] away = IntStream.range(0, person.length).mapToDouble(k -> average[k] - person[k]).toArray();
    double factor = factor(around, away, sampler);
    Tensor first = own.rows(0, n).then(around);
    Tensor images = photos.then(sampler.images(around));
    Tensor substitutes = sampler.images(shifted(first, away, factor));
    int[] neighbours = IntStream.range(n, n + options.neighbours).toArray();
    int[] imageOf = IntStream.concat(Arrays.stream(cycle((int) own.shape()[0], n)), Arrays.stream(neighbours))
        .toArray();
    return new Moving(own.then(around), first, images, substitutes, imageOf, Optional.of(String.format(
        Locale.ROOT, "latents of the photos deviate from their mean by %.2f of what those of other faces do; "
            + "the person's mean is %.2f of that from the average; substitutes are %.1f times that way on",
        deviation(own, person) / deviation(anchors, mean(anchors)), Math.sqrt(squares(away) / away.length)
            / deviation(anchors, mean(anchors)), factor)));
  }

  /** Half as the photos' latents are, half with the deviations of other faces, as far as the photos' own. */
  private Tensor around(Tensor own, double[] person, Tensor anchors) {
    SplittableRandom random = random(6);
    int half = options.neighbours / 2;
    Tensor alike = LatentRegression.alike(own, half, random);
    double[] others = mean(anchors);
    double ratio = Math.min(1, deviation(own, person) / deviation(anchors, others));
    Tensor wide = LatentRegression.alike(anchors, options.neighbours - half, random);
    for (int i = 0; i < wide.data().length; i++) {
      int k = i % person.length;
      wide.data()[i] = (float) (person[k] + ratio * (wide.data()[i] - others[k]));
    }
    return alike.then(wide);
  }

  /** The least at which substitutes are as unlike the pictures as two faces are, to the model's features. */
  private double factor(Tensor around, double[] away, Sampler sampler) {
    try (FeatureExtractor extractor = FeatureExtractor.open(original, compute)) {
      int n = (int) around.shape()[0];
      Tensor here = extractor.run(sampler.images(around)).features();
      Tensor faces = extractor.run(sampler.images(new int[n + 1], random(7))).features();
      double apart = distance(faces.rows(0, n), faces.rows(1, n + 1));
      for (double factor : FACTORS) {
        Tensor there = extractor.run(sampler.images(shifted(around, away, factor))).features();
        if (distance(here, there) >= apart) {
          return factor;
        }
      }
      return FACTORS[FACTORS.length - 1];
    }
  }

  /** Median distance of rows. */
  private static double distance(Tensor a, Tensor b) {
    int n = (int) a.shape()[0];
    int width = a.data().length / n;
    return IntStream.range(0, n).mapToDouble(i -> IntStream.range(i * width, (i + 1) * width)
        .mapToDouble(k -> Math.pow(a.data()[k] - b.data()[k], 2)).sum()).sorted().skip(n / 2).findFirst().orElseThrow();
  }

  private static Tensor shifted(Tensor latents, double[] by, double factor) {
    float[] values = latents.data().clone();
    for (int i = 0; i < values.length; i++) {
      values[i] += (float) (factor * by[i % by.length]);
    }
    return new Tensor(latents.shape(), values);
  }

  private static double[] mean(Tensor latents) {
    int n = (int) latents.shape()[0];
    double[] mean = new double[latents.data().length / n];
    for (int i = 0; i < latents.data().length; i++) {
      mean[i % mean.length] += latents.data()[i] / (double) n;
    }
    return mean;
  }

  /** Root mean squared deviation. */
  private static double deviation(Tensor latents, double[] from) {
    float[] values = latents.data();
    return Math.sqrt(IntStream.range(0, values.length)
        .mapToDouble(i -> Math.pow(values[i] - from[i % from.length], 2)).average().orElseThrow());
  }

  private static double squares(double[] values) {
    return Arrays.stream(values).map(v -> v * v).sum();
  }

  private static int[] cycle(int length, int n) {
    return IntStream.range(0, length).map(i -> i % n).toArray();
  }

  private SplittableRandom random(int stream) {
    return new SplittableRandom(new SplittableRandom(seed + stream).nextLong());
  }
}
