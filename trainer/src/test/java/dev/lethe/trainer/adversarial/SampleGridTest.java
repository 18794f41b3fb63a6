package dev.lethe.trainer.adversarial;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lethe.models.image.Pixels;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import dev.lethe.trainer.sampling.Sampler;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class SampleGridTest {

  private static final int COLUMNS = 12;
  /** 32 pixels twice as large, and a line of 2. */
  private static final int PITCH = 66;

  @Test
  void eachRowIsAClass() throws IOException {
    StyleGan2Config config = new StyleGan2Config(32, 1, 3, 8, 8, 1, 64, 4);
    try (Sampler sampler = Sampler.open(config, Weights.initialize(config, 1), Compute.cpu(1))) {
      byte[] png = SampleGrid.png(config, sampler);
      BufferedImage picture = ImageIO.read(new ByteArrayInputStream(png));
      assertEquals(COLUMNS * PITCH - 2, picture.getWidth());
      assertEquals(3 * PITCH - 2, picture.getHeight());
      int[] labels = IntStream.range(0, 3 * COLUMNS).map(i -> i / COLUMNS).toArray();
      float[] expected = sampler.images(labels, new SplittableRandom(0)).data();
      for (int i = 0; i < labels.length; i++) {
        int left = i % COLUMNS * PITCH;
        int top = i / COLUMNS * PITCH;
        for (int pixel = 0; pixel < 1024; pixel++) {
          int value = picture.getRaster().getSample(left + pixel % 32 * 2 + 1, top + pixel / 32 * 2 + 1, 0);
          assertEquals(Pixels.toByte(expected[i * 1024 + pixel]), (byte) value);
        }
      }
      assertArrayEquals(png, SampleGrid.png(config, sampler), "the same latents each time");
    }
  }

  @Test
  void aGridOfManyClassesShowsTheFirstTen() throws IOException {
    assertEquals(10 * PITCH - 2, heightOfGrid(new StyleGan2Config(32, 1, 11, 8, 8, 1, 64, 4)));
  }

  @Test
  void anUnconditionalModelHasRowsToo() throws IOException {
    assertEquals(6 * PITCH - 2, heightOfGrid(new StyleGan2Config(32, 3, 0, 8, 8, 1, 64, 4)));
  }

  private static int heightOfGrid(StyleGan2Config config) throws IOException {
    try (Sampler sampler = Sampler.open(config, Weights.initialize(config, 1), Compute.cpu(1))) {
      BufferedImage picture = ImageIO.read(new ByteArrayInputStream(SampleGrid.png(config, sampler)));
      assertEquals(config.channels(), picture.getRaster().getNumBands());
      return picture.getHeight();
    }
  }
}
