package dev.lethe.trainer.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.evaluation.Cell.Base;
import dev.lethe.trainer.unlearning.JobImages;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Images of 8×8 whose first pixels are their number, of ten classes in turn. */
class EvaluationDataTest {

  private final EvaluationData data = new EvaluationData(numbered(4000), numbered(300));

  @Test
  void seedZeroUnlearnsTheFirstImagesAndNoSeedLearnsWhatAnyUnlearns() {
    JobImages images = data.images(Cell.item());
    assertEquals(numbers(IntStream.range(0, 64)), numbers(images.unlearn()));
    assertEquals(numbers(IntStream.range(256, 320)), numbers(data.images(Cell.item().seed(1)).unlearn()));
    assertEquals(1024, numbers(images.learn()).size());
    assertTrue(numbers(images.learn()).stream().allMatch(n -> n >= 768));
    assertEquals("training images 0 to 63", data.describe(Cell.item()));
  }

  @Test
  void classesAreLearnedWithoutImagesOfTheErasedOne() {
    Cell cell = Cell.ofClass().seed(2);
    assertEquals(Set.of(9), data.classes(cell));
    JobImages images = data.images(cell);
    assertEquals(256, images.unlearn().size());
    assertTrue(IntStream.of(images.unlearn().classIndices()).allMatch(c -> c == 9));
    assertFalse(IntStream.of(images.learn().classIndices()).anyMatch(c -> c == 9));
    assertEquals(0, data.images(cell.images(0)).unlearn().size());
  }

  @Test
  void theOverfittedBaseLearnsTheRestOfItsOwnImages() {
    JobImages images = data.images(Cell.item().with(Base.OVERFITTED).seed(1));
    assertEquals(numbers(IntStream.range(64, 128)), numbers(images.unlearn()));
    Set<Integer> rest = numbers(IntStream.range(0, 1000));
    rest.removeAll(numbers(images.unlearn()));
    assertEquals(rest, numbers(images.learn()));
  }

  private static ImageDataset numbered(int n) {
    Tensor images = Tensor.zeros(n, 1, 8, 8);
    for (int i = 0; i < n; i++) {
      byte[] number = ByteBuffer.allocate(4).putInt(i).array();
      for (int k = 0; k < 4; k++) {
        images.data()[i * 64 + k] = (number[k] & 0xff) / 127.5f - 1;
      }
    }
    List<String> labels = IntStream.range(0, 10).mapToObj(Integer::toString).toList();
    return Datasets.of(labels, images, IntStream.range(0, n).map(i -> i % 10).toArray());
  }

  private static Set<Integer> numbers(ImageDataset images) {
    Set<Integer> numbers = new HashSet<>();
    for (int i = 0; i < images.size(); i++) {
      numbers.add(ByteBuffer.wrap(images.pixels(i), 0, 4).getInt());
    }
    return numbers;
  }

  private static Set<Integer> numbers(IntStream numbers) {
    return new HashSet<>(numbers.boxed().toList());
  }
}
