package dev.lethe.trainer.worker;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.data.Split;
import dev.lethe.trainer.sampling.ShuffledIndices;
import dev.lethe.trainer.unlearning.JobImages;
import dev.lethe.v1.UnlearnMode;
import dev.lethe.v1.WorkerJob;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Brings a job's images together: those of the request, and those of the data set that the server was told of. */
record Images(WorkerJob job, JobFiles files, ModelCard card) {

  /** Most learning images taken from a data set. */
  private static final int LEARNING_IMAGES = 1024;

  JobImages read() throws IOException {
    ImageDataset unlearn = files.unlearn(card, job);
    ImageDataset learn = files.learn(card, job.getLearnLabelsList());
    if (job.getData().isEmpty()) {
      requireLearnable(learn);
      return new JobImages(unlearn, learn, learn, Optional.empty(), Optional.empty());
    }
    Path data = JobFiles.local(job.getData());
    ImageDataset kept = kept(fitting(Datasets.open(data, Split.TRAIN)), unlearn);
    if (learn.size() == 0) {
      learn = kept.subset(IntStream.range(0, Math.min(LEARNING_IMAGES, kept.size())).toArray());
    }
    requireLearnable(learn);
    Optional<ImageDataset> tests = Datasets.find(data, Split.TEST).map(this::fitting);
    return new JobImages(unlearn, learn, kept, tests.map(all -> everySecond(all, 0)),
        tests.map(all -> everySecond(all, 1)));
  }

  /** Images of the data set that the model never saw. */
  Optional<ImageDataset> neverSeen() throws IOException {
    return Datasets.find(JobFiles.local(job.getData()), Split.TEST).map(this::fitting);
  }

  /** What is calibrated with one half is measured with the other. */
  private static ImageDataset everySecond(ImageDataset images, int from) {
    return images.subset(IntStream.range(0, images.size()).filter(i -> i % 2 == from).toArray());
  }

  private void requireLearnable(ImageDataset learn) {
    if (learn.size() == 0 && job.getSpec().getMode() != UnlearnMode.UNLEARN_MODE_ZERO_SHOT) {
      throw new IllegalArgumentException("few-shot unlearning needs learning images: send some, start the server with "
          + "--data, or let mode be ZERO_SHOT");
    }
  }

  /** All images of the classes that stay, without those to unlearn, in a random order. */
  private ImageDataset kept(ImageDataset all, ImageDataset unlearn) {
    Set<ByteBuffer> forget = new HashSet<>();
    for (int i = 0; i < unlearn.size(); i++) {
      forget.add(ByteBuffer.wrap(unlearn.pixels(i)));
    }
    Set<Integer> erased = new HashSet<>(job.getClassesList());
    card.unlearnedLabels().keySet().forEach(label -> erased.add(card.labels().indexOf(label)));
    ShuffledIndices order = new ShuffledIndices(all.size(), new SplittableRandom(job.getSpec().getSeed()));
    return all.subset(IntStream.of(order.next(all.size()))
        .filter(i -> !erased.contains(all.label(i)) && !forget.contains(ByteBuffer.wrap(all.pixels(i))))
        .toArray());
  }

  private ImageDataset fitting(ImageDataset images) {
    ModelCard.Network network = card.network();
    if (images.channels() != network.channels() || images.resolution() != network.resolution()
        || card.conditional() && !images.labels().equals(card.labels())) {
      throw new IllegalArgumentException("the data set " + JobFiles.local(job.getData()) + " has images of "
          + images.channels() + "x"
          + images.resolution() + "x" + images.resolution() + " and classes " + images.labels() + "; model "
          + card.name() + " has " + network.channels() + "x" + network.resolution() + "x" + network.resolution()
          + " and " + card.labels() + ". Start the server with the data set of the model, or without one.");
    }
    return images;
  }
}
