package dev.lethe.trainer.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PeopleDataTest {

  /** People by number of photos. */
  private static final int[] PHOTOS = {20, 3, 30, 1, 22, 2, 90};
  private static final PeopleData DATA = new PeopleData(people(PHOTOS), people(2, 2, 3), PersonScale.FULL);

  @Test
  void eachSeedIsSomeoneOfWhomThereAreEnoughPhotosButNotTheMost() {
    Set<Integer> people = IntStream.range(0, 3).mapToObj(seed -> DATA.train().label(DATA.person(seed)[0]))
        .collect(Collectors.toSet());
    assertEquals(Set.of(0, 2, 4), people);
    for (int seed = 0; seed < 3; seed++) {
      int person = DATA.train().label(DATA.person(seed)[0]);
      assertTrue(Arrays.stream(DATA.person(seed)).allMatch(i -> DATA.train().label(i) == person));
    }
  }

  @Test
  void halfOfThePhotosAreSent() {
    int[] photos = DATA.person(0);
    assertEquals(photos.length / 2, DATA.half(photos, 0).size());
    assertEquals(photos.length / 2, DATA.half(photos, 1).size());
    assertNotEquals(DATA.half(photos, 0).pixels(0)[0], DATA.half(photos, 1).pixels(0)[0]);
  }

  @Test
  void nobodyWhoIsUnlearnedIsInThePoolOrStays() {
    assertEquals(Set.of(1, 5), Arrays.stream(DATA.pool().classIndices()).boxed().collect(Collectors.toSet()));
    int person = DATA.train().label(DATA.person(1)[0]);
    assertEquals(Arrays.stream(PHOTOS).sum() - PHOTOS[person], DATA.stay(1, 1000).size());
  }

  /** Each photo is of a grey of its own. */
  private static ImageDataset people(int... photos) {
    int n = Arrays.stream(photos).sum();
    int[] labels = new int[n];
    Tensor images = Tensor.zeros(n, 1, 4, 4);
    int at = 0;
    for (int person = 0; person < photos.length; person++) {
      for (int i = 0; i < photos[person]; i++) {
        labels[at] = person;
        Arrays.fill(images.data(), at * 16, (at + 1) * 16, at / 128f - 1);
        at++;
      }
    }
    return Datasets.of(IntStream.range(0, photos.length).mapToObj(Integer::toString).toList(), images, labels);
  }
}
