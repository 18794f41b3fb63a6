package dev.lethe.client.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
import dev.lethe.v1.Image;
import dev.lethe.v1.ImageFormat;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class PicturesTest {

  private static BufferedImage grey(int side, int value) {
    BufferedImage picture = new BufferedImage(side, side, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < side * side; i++) {
      picture.setRGB(i % side, i / side, value << 16 | value << 8 | value);
    }
    return picture;
  }

  @Test
  void gridHoldsPicturesRowByRow() {
    BufferedImage grid = Pictures.grid(List.of(grey(32, 10), grey(32, 20), grey(32, 30)), 2, 2);
    // Two columns and two rows of 64 pixels with gaps of 2 between and around.
    assertEquals(2 * 64 + 3 * 2, grid.getWidth());
    assertEquals(2 * 64 + 3 * 2, grid.getHeight());
    assertEquals(0x0a0a0a, grid.getRGB(2, 2) & 0xffffff);
    assertEquals(0x0a0a0a, grid.getRGB(65, 65) & 0xffffff);
    assertEquals(0x141414, grid.getRGB(68, 2) & 0xffffff);
    assertEquals(0x1e1e1e, grid.getRGB(2, 68) & 0xffffff);
  }

  @Test
  void gridRefusesPicturesOfSeveralSizes() {
    assertThrows(IllegalArgumentException.class, () -> Pictures.grid(List.of(grey(32, 0), grey(16, 0)), 2, 1));
  }

  @Test
  void decodesWhatItEncodes() throws IOException {
    Image image = Image.newBuilder().setFormat(ImageFormat.IMAGE_FORMAT_PNG)
        .setData(ByteString.copyFrom(Pictures.png(grey(8, 77)))).build();
    assertEquals(0x4d4d4d, Pictures.decode(image).getRGB(3, 3) & 0xffffff);
  }

  @Test
  void refusesWhatIsNoImage() {
    Image image = Image.newBuilder().setData(ByteString.copyFromUtf8("hello")).build();
    assertThrows(IOException.class, () -> Pictures.decode(image));
    Image raw = Image.newBuilder().setFormat(ImageFormat.IMAGE_FORMAT_RAW).build();
    assertThrows(IOException.class, () -> Pictures.decode(raw));
  }
}
