package dev.lethe.models.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.util.Arrays;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class ImageGridTest {

  @Test
  void placesScalesAndSeparates() throws Exception {
    ImageGrid grid = new ImageGrid(2, 3, 3, 2, 2, 1);
    float[] image = new float[12];
    Arrays.fill(image, -1);
    image[4] = 1; // green, row 0, column 0
    grid.set(1, 2, image);
    assertEquals(9, grid.height());
    assertEquals(14, grid.width());
    BufferedImage picture = ImageIO.read(new ByteArrayInputStream(grid.png()));
    assertEquals(9, picture.getHeight());
    assertEquals(14, picture.getWidth());
    int background = 0xff606060;
    for (int y = 0; y < 9; y++) {
      for (int x = 0; x < 14; x++) {
        boolean cell = y >= 5 && x >= 10;
        boolean green = cell && y < 7 && x < 12;
        assertEquals(green ? 0xff00ff00 : cell ? 0xff000000 : background, picture.getRGB(x, y), x + "," + y);
      }
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    ImageGrid grid = new ImageGrid(1, 1, 1, 4, 1, 0);
    assertThrows(IllegalArgumentException.class, () -> grid.set(0, 0, new float[15]));
    assertThrows(IndexOutOfBoundsException.class, () -> grid.set(0, 1, new float[16]));
    assertThrows(ArithmeticException.class, () -> new ImageGrid(1000, 1000, 3, 1024, 4, 1));
  }
}
