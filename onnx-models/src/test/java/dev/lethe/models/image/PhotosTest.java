package dev.lethe.models.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import javax.imageio.ImageIO;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Photos as people have them, against what Pillow and LittleCMS make of them ({@code photos/make.py}). */
class PhotosTest {

  private static final int SIZE = 32;
  private static final Preparation CROP = new Preparation(Fit.CROP, OptionalInt.empty());

  /** Lossy WebP is less exact at edges of colour: its reader does not smooth chroma as the reference library does. */
  @ParameterizedTest
  @CsvSource({"phone.jpg, 2", "orientation-1.jpg, 2", "orientation-2.jpg, 2", "orientation-3.jpg, 2",
      "orientation-4.jpg, 2",
      "orientation-5.jpg, 2", "orientation-6.jpg, 2", "orientation-7.jpg, 2", "orientation-8.jpg, 2", "cmyk.jpg, 2",
      "ycck.jpg, 2", "cmyk-profile.jpg, 2", "p3.png, 2", "lossless.webp, 2", "plain.webp, 2", "quality-95.webp, 5",
      "quality-80.webp, 5", "quality-50.webp, 5", "method-0.webp, 5", "method-6.webp, 5"})
  void areWhatTheReferenceMakesOfThem(String name, int levels) throws IOException {
    PreparedImage image = ImageDecoder.prepare(resource(name), 3, SIZE, CROP);
    byte[] expected =
        ImageDecoder.decodeBytes(resource(name.substring(0, name.indexOf('.')) + ".expected.png"), 3, SIZE);
    int worst = 0;
    int at = -1;
    for (int i = 0; i < expected.length; i++) {
      int difference = Math.abs((expected[i] & 0xff) - (image.pixels()[i] & 0xff));
      if (difference > worst) {
        worst = difference;
        at = i;
      }
    }
    assertTrue(worst <= levels, name + " differs by " + worst + " grey levels at " + at);
  }

  @Test
  void whatWasDoneIsSaid() throws IOException {
    assertEquals(List.of("turned by 90°", "cut from 3024x4032 to its middle 3024x3024",
        "resized from 3024x3024 to 32x32"),
        ImageDecoder.prepare(resource("phone.jpg"), 3, SIZE, CROP).steps());
    assertEquals("CMYK without a profile", ImageDecoder.prepare(resource("cmyk.jpg"), 3, SIZE, CROP).steps().get(0));
    assertTrue(ImageDecoder.prepare(resource("p3.png"), 3, SIZE, CROP).steps().contains("its colour profile applied"));
  }

  @Test
  void aDigitIsPaddedAsItsDataSetPadsIt() throws IOException {
    byte[] digit = new byte[28 * 28];
    Arrays.fill(digit, (byte) 200);
    PreparedImage padded = ImageDecoder.prepare(ImageEncoder.png(digit, 1, 28, 28), 1, SIZE,
        new Preparation(Fit.PAD, OptionalInt.empty()));
    for (int y = 0; y < SIZE; y++) {
      for (int x = 0; x < SIZE; x++) {
        boolean inside = y >= 2 && y < 30 && x >= 2 && x < 30;
        assertEquals(inside ? (byte) 200 : 0, padded.pixels()[y * SIZE + x]);
      }
    }
    assertEquals(List.of("padded from 28x28 to 32x32"), padded.steps());
  }

  @Test
  void padAndResizeKeepWhatTheySay() throws IOException {
    byte[] wide = new byte[3 * 40 * 80];
    Arrays.fill(wide, (byte) 90);
    byte[] png = ImageEncoder.png(wide, 3, 40, 80);
    byte[] resized = ImageDecoder.prepare(png, 3, SIZE, new Preparation(Fit.RESIZE, OptionalInt.empty())).pixels();
    for (byte value : resized) {
      assertEquals(90, value);
    }
    PreparedImage padded = ImageDecoder.prepare(png, 3, SIZE, new Preparation(Fit.PAD, OptionalInt.of(0x102030)));
    assertArrayEquals(new byte[] {0x10, 0x20, 0x30, 90},
        new byte[] {padded.pixels()[0], padded.pixels()[SIZE * SIZE], padded.pixels()[2 * SIZE * SIZE],
            padded.pixels()[16 * SIZE + 16]});
    assertEquals(List.of("resized from 80x40 to 32x16", "padded from 32x16 to 32x32"), padded.steps());
  }

  @Test
  void transparencyLiesOverTheStatedBackground() throws IOException {
    BufferedImage image = new BufferedImage(1, 1, BufferedImage.TYPE_INT_ARGB);
    image.setRGB(0, 0, 0x80ff0000);
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    ImageIO.write(image, "png", png);
    PreparedImage over = ImageDecoder.prepare(png.toByteArray(), 3, 1,
        new Preparation(Fit.EXACT, OptionalInt.of(0xffffff)));
    assertArrayEquals(new byte[] {(byte) 255, 127, 127}, over.pixels());
    assertEquals(List.of("laid over the background #ffffff"), over.steps());
    assertTrue(assertThrows(InvalidImageException.class, () -> ImageDecoder.decode(png.toByteArray(), 3, 1))
        .getMessage()
        .contains("--background"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"GIF89a......", "....ftypheic....", "....ftypavif....", "BM..........", "II*\0........"})
  void otherFormatsAreNamed(String start) {
    InvalidImageException e = assertThrows(InvalidImageException.class,
        () -> ImageDecoder.prepare(start.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1), 3, SIZE, CROP));
    assertTrue(e.getMessage().matches("it is an? .* which is not read; save it as PNG, JPEG or WebP"), e.getMessage());
  }

  @Property(tries = 400)
  void damagedPhotosAreDecodedOrRefused(@ForAll @IntRange(max = 100_000) int at,
      @ForAll @IntRange(min = 1, max = 255) int change, @ForAll @IntRange(max = 5) int which) throws IOException {
    byte[] bytes = resource(List.of("lossless.webp", "cmyk-profile.jpg", "orientation-6.jpg", "plain.webp", "p3.png",
        "quality-50.webp").get(which));
    bytes[at % bytes.length] ^= (byte) change;
    try {
      assertEquals(3 * SIZE * SIZE, ImageDecoder.prepare(bytes, 3, SIZE, CROP).pixels().length);
    } catch (InvalidImageException e) {
      assertTrue(e.getMessage().length() > 10);
    }
  }

  @Test
  void animationsAndTooManyPixelsAreRefused() throws IOException {
    byte[] webp = resource("lossless.webp");
    webp[20] |= 2;
    assertTrue(assertThrows(InvalidImageException.class, () -> ImageDecoder.prepare(webp, 3, SIZE, CROP)).getMessage()
        .contains("animation"));
    byte[] jpeg = resource("orientation-1.jpg");
    for (int i = 0; i + 9 < jpeg.length; i++) {
      if ((jpeg[i] & 0xff) == 0xff && (jpeg[i + 1] & 0xff) == 0xc0) {
        jpeg[i + 5] = (byte) 0x70;
        jpeg[i + 7] = (byte) 0x70;
      }
    }
    assertTrue(assertThrows(InvalidImageException.class, () -> ImageDecoder.prepare(jpeg, 3, SIZE, CROP)).getMessage()
        .contains("at most"));
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream in = PhotosTest.class.getResourceAsStream("/photos/" + name)) {
      return in.readAllBytes();
    }
  }
}
