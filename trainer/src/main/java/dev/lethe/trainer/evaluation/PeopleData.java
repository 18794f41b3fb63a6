package dev.lethe.trainer.evaluation;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.audit.PersonSubjects;
import dev.lethe.trainer.audit.PersonSubjects.Group;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.data.Split;
import dev.lethe.trainer.identity.IdentityJudge;
import dev.lethe.trainer.identity.IdentityJudge.Embeddings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Photos of people, a folder for each: who is unlearned, and who is compared.
 *
 * @param train what the model was trained on
 * @param strangers whom it never saw
 */
record PeopleData(ImageDataset train, ImageDataset strangers, PersonScale scale) {

  /** Fewest photos of someone who is unlearned. */
  private static final int LEAST = 20;
  private static final int PHOTOS = PersonScale.EACH;

  static PeopleData open(Path data, Path strangers, PersonScale scale) throws IOException {
    return new PeopleData(Datasets.open(data, Split.TRAIN), Datasets.open(strangers, Split.TRAIN), scale);
  }

  /**
   * Two photos each of people who are not unlearned by any seed: what is usual, and whom look-alikes are looked for in.
   */
  ImageDataset pool() {
    SplittableRandom random = new SplittableRandom(0);
    List<int[]> people = new ArrayList<>(photos(train).values().stream()
        .filter(own -> own.length >= PHOTOS && own.length < LEAST).toList());
    return pairs(train, shuffled(people, random).subList(0, Math.min(scale.pool(), people.size())));
  }

  /**
   * Indices of photos of whom a seed unlearns; the one with the most photos, who is no case like others, is left out.
   */
  int[] person(long seed) {
    List<int[]> people = new ArrayList<>(photos(train).values().stream().filter(own -> own.length >= LEAST).toList());
    people.remove(people.stream().max(Comparator.comparingInt(own -> own.length)).orElseThrow(
        () -> new IllegalArgumentException("there is nobody of whom there are " + LEAST + " photos or more")));
    people = shuffled(people, new SplittableRandom(1));
    int[] own = people.get((int) (seed % people.size()));
    return Arrays.copyOf(own, Math.min(scale.photos(), own.length));
  }

  /** Every other photo. */
  ImageDataset half(int[] photos, int from) {
    return train.subset(IntStream.range(0, photos.length).filter(i -> i % 2 == from).map(i -> photos[i]).toArray());
  }

  PersonSubjects subjects(long seed, IdentityJudge judge) {
    int[] own = person(seed);
    ImageDataset pool = pool();
    List<int[]> nearest = byLikeness(own, pool, judge);
    List<int[]> strangers = new ArrayList<>(photos(this.strangers).values().stream()
        .filter(photos -> photos.length >= PHOTOS).toList());
    Map<Group, ImageDataset> groups = new EnumMap<>(Group.class);
    groups.put(Group.SENT, half(own, 0));
    groups.put(Group.NOT_SENT, half(own, 1));
    groups.put(Group.ALIKE, pairs(pool, nearest.subList(0, Math.min(scale.alike(), nearest.size() / 2))));
    List<int[]> rest = nearest.subList(Math.min(scale.alike(), nearest.size() / 2), nearest.size());
    groups.put(Group.OTHERS, pairs(pool, shuffled(new ArrayList<>(rest), new SplittableRandom(seed))
        .subList(0, Math.min(scale.others(), rest.size()))));
    groups.put(Group.STRANGERS, pairs(this.strangers, shuffled(strangers, new SplittableRandom(2))
        .subList(0, Math.min(scale.strangers(), strangers.size()))));
    return new PersonSubjects(groups);
  }

  /** Photos of all others, without labels, as a job has them for a model without classes. */
  ImageDataset stay(long seed, int most) {
    int label = train.label(person(seed)[0]);
    int[] others = IntStream.range(0, train.size()).filter(i -> train.label(i) != label).toArray();
    SplittableRandom random = new SplittableRandom(seed + 100);
    return unlabelled(train.subset(random.ints(0, others.length).distinct().limit(Math.min(most, others.length))
        .map(i -> others[i]).toArray()));
  }

  static ImageDataset unlabelled(ImageDataset images) {
    return Datasets.of(List.of(), images.images(), new int[images.size()]);
  }

  /** People of a pool of pairs, the most alike first. */
  private List<int[]> byLikeness(int[] own, ImageDataset pool, IdentityJudge judge) {
    Tensor photos = train.subset(own).images();
    Embeddings person = judge.of(photos);
    Embeddings others = judge.of(pool.images());
    Map<int[], Double> likeness = photos(pool).values().stream().collect(Collectors.toMap(pair -> pair,
        pair -> Arrays.stream(pair).mapToDouble(i -> IntStream.range(0, own.length)
            .mapToDouble(k -> others.similarity(i, person, k)).average().orElseThrow()).average().orElseThrow()));
    return likeness.entrySet().stream().sorted(Map.Entry.<int[], Double>comparingByValue().reversed())
        .map(Map.Entry::getKey).toList();
  }

  private static Map<Integer, int[]> photos(ImageDataset images) {
    return IntStream.range(0, images.size()).boxed().collect(Collectors.groupingBy(images::label, TreeMap::new,
        Collectors.collectingAndThen(Collectors.toList(), list -> list.stream().mapToInt(i -> i).toArray())));
  }

  private static ImageDataset pairs(ImageDataset images, List<int[]> people) {
    return images.subset(people.stream().flatMapToInt(photos -> Arrays.stream(photos, 0, PHOTOS)).toArray());
  }

  private static List<int[]> shuffled(List<int[]> people, SplittableRandom random) {
    List<int[]> shuffled = new ArrayList<>(people);
    for (int i = shuffled.size() - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      int[] swapped = shuffled.get(i);
      shuffled.set(i, shuffled.get(other));
      shuffled.set(other, swapped);
    }
    return shuffled;
  }
}
