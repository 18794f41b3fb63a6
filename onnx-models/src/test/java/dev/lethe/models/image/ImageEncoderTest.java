package dev.lethe.models.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class ImageEncoderTest {

  @Property
  void bytesSurviveTheRoundTrip(@ForAll byte value) {
    assertEquals(value, Pixels.toByte(Pixels.toFloat(value)));
  }

  /** floor(x * 127.5 + 128), clamped. */
  @Test
  void roundsAsTheReference() {
    assertArrayEquals(new byte[] {0, 0, (byte) 128, (byte) 255, (byte) 255, 64, 0},
        Pixels.toBytes(new float[] {-7, -1, 0, 1, 9, -0.5f, Float.NaN}));
  }

  @Test
  void jpegIsCloseToTheImage() throws Exception {
    float[] image = new float[3 * 32 * 32];
    for (int i = 0; i < image.length; i++) {
      image[i] = i / 1024 == 1 ? i % 32 / 16f - 1 : 0;
    }
    float[] decoded = ImageDecoder.decode(ImageEncoder.jpeg(image, 3, 32, 32), 3, 32);
    assertArrayEquals(image, decoded, 0.15f);
  }

  @Test
  void aWrongNumberOfValuesIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> ImageEncoder.png(new float[10], 1, 3, 3));
    assertThrows(IllegalArgumentException.class, () -> ImageEncoder.png(new float[18], 2, 3, 3));
  }
}
