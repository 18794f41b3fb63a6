package dev.lethe.models.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageDecoderTest {

  private static final int SIZE = 8;

  @Property(tries = 200)
  void pngKeepsEveryPixel(@ForAll @Size(3 * SIZE * SIZE) byte[] pixels) throws Exception {
    assertArrayEquals(pixels, ImageDecoder.decodeBytes(ImageEncoder.png(pixels, 3, SIZE, SIZE), 3, SIZE));
    byte[] grey = Arrays.copyOf(pixels, SIZE * SIZE);
    assertArrayEquals(grey, ImageDecoder.decodeBytes(ImageEncoder.png(grey, 1, SIZE, SIZE), 1, SIZE));
    assertArrayEquals(Pixels.toFloats(grey),
        ImageDecoder.decode(ImageEncoder.png(Pixels.toFloats(grey), 1, SIZE, SIZE), 1, SIZE));
  }

  @Property(tries = 300)
  void randomBytesAreRefused(@ForAll byte[] bytes) {
    assertThrows(InvalidImageException.class, () -> ImageDecoder.decode(bytes, 1, SIZE));
  }

  @Property(tries = 300)
  void aSignatureBeforeRandomBytesIsNotEnough(@ForAll byte[] bytes, @ForAll boolean png) {
    byte[] signature = Arrays.copyOf(png ? image("png", 1) : image("jpeg", 1), png ? 8 : 3);
    assertThrows(InvalidImageException.class, () -> ImageDecoder.decode(concatenate(signature, bytes), 1, SIZE));
  }

  @Property(tries = 200)
  void cutFilesAreRefused(@ForAll @IntRange(min = 1, max = 10_000) int cut, @ForAll boolean png,
      @ForAll boolean color) {
    byte[] whole = image(png ? "png" : "jpeg", color ? 3 : 1);
    byte[] part = Arrays.copyOf(whole, whole.length - 1 - cut % (whole.length - 1));
    assertThrows(InvalidImageException.class, () -> ImageDecoder.decode(part, 1, SIZE));
  }

  @Property(tries = 300)
  void aChangedPngIsRefused(@ForAll @IntRange(max = 10_000) int at, @ForAll @IntRange(min = 1, max = 255) int change) {
    byte[] bytes = image("png", 3);
    bytes[at % bytes.length] ^= (byte) change;
    assertThrows(InvalidImageException.class, () -> ImageDecoder.decode(bytes, 3, SIZE));
  }

  /** With right check sums damage reaches the decoder itself; pixels may come of it, but no other exception. */
  @Property(tries = 500)
  void aForgedPngIsDecodedOrRefused(@ForAll @IntRange(max = 10_000) int at,
      @ForAll @IntRange(min = 1, max = 255) int change, @ForAll boolean color) {
    byte[] bytes = image("png", color ? 3 : 1);
    bytes[8 + at % (bytes.length - 8)] ^= (byte) change;
    repairCheckSums(bytes);
    assertDecodedOrRefused(bytes);
  }

  @Property(tries = 500)
  void aChangedJpegIsDecodedOrRefused(@ForAll @IntRange(max = 10_000) int at,
      @ForAll @IntRange(min = 1, max = 255) int change) {
    byte[] bytes = image("jpeg", 3);
    bytes[at % bytes.length] ^= (byte) change;
    assertDecodedOrRefused(bytes);
  }

  @ParameterizedTest
  @ValueSource(strings = {"png", "jpeg"})
  void aGiantHeaderAllocatesNothingGiant(String format) {
    byte[] bytes = image(format, 3);
    if (format.equals("png")) {
      ByteBuffer.wrap(bytes).putInt(16, 60_000).putInt(20, 60_000);
      repairCheckSums(bytes);
    } else {
      int frame = indexOf(bytes, (byte) 0xff, (byte) 0xc0);
      ByteBuffer.wrap(bytes).putShort(frame + 5, (short) 60_000).putShort(frame + 7, (short) 60_000);
    }
    // Loads the reader's classes, whose allocation is not the question.
    assertThrows(InvalidImageException.class, () -> ImageDecoder.decode(bytes, 3, SIZE));
    long before = allocated();
    InvalidImageException e =
        assertThrows(InvalidImageException.class, () -> ImageDecoder.decode(bytes, 3, SIZE));
    assertEquals("the image is 60000x60000 pixels; it must be exactly 8x8, or be fitted (--fit crop or --fit resize)",
        e.getMessage());
    assertTrue(allocated() - before < 4 << 20, "allocated " + (allocated() - before));
  }

  @Test
  void aPngChunkThatClaimsTooMuchAllocatesNothing() {
    byte[] bytes = image("png", 3);
    ByteBuffer.wrap(bytes).putInt(33, Integer.MAX_VALUE);
    long before = allocated();
    InvalidImageException e =
        assertThrows(InvalidImageException.class, () -> ImageDecoder.decode(bytes, 3, SIZE));
    assertTrue(e.getMessage().contains("claims 2147483647 bytes"), e.getMessage());
    assertTrue(allocated() - before < 4 << 20);
  }

  @Test
  void tooManyBytesAreRefusedBeforeTheyAreRead() {
    byte[] bytes = new byte[(int) ImageDecoder.maxBytes(SIZE) + 1];
    InvalidImageException e =
        assertThrows(InvalidImageException.class, () -> ImageDecoder.decode(bytes, 1, SIZE));
    assertEquals("the image has 1049089 bytes; at most 1049088 are read at 8x8, or it must be fitted (--fit crop)",
        e.getMessage());
  }

  @Test
  void aJpegOfCountlessScansIsRefused() {
    byte[] image = image("jpeg", 1);
    byte[] scans = new byte[202];
    for (int i = 0; i < scans.length; i += 2) {
      scans[i] = (byte) 0xff;
      scans[i + 1] = (byte) 0xda;
    }
    InvalidImageException e =
        assertThrows(InvalidImageException.class, () -> ImageDecoder.decode(concatenate(image, scans), 1, SIZE));
    assertEquals("the JPEG image has 102 scans; at most 100 are read", e.getMessage());
  }

  @Test
  void anotherSizeIsRefused() {
    byte[] png = ImageEncoder.png(new byte[28 * 28], 1, 28, 28);
    InvalidImageException e =
        assertThrows(InvalidImageException.class, () -> ImageDecoder.decode(png, 1, 32));
    assertEquals("the image is 28x28 pixels; it must be exactly 32x32, or be fitted (--fit pad)", e.getMessage());
  }

  @Test
  void readsTheSizeFromTheHeader() throws Exception {
    assertEquals(new ImageSize(5, 7), ImageDecoder.size(ImageEncoder.png(new byte[35], 1, 7, 5), 32));
    assertThrows(InvalidImageException.class, () -> ImageDecoder.size(new byte[9], 32));
  }

  @Test
  void greyServesThreeChannels() throws Exception {
    byte[] grey = {0, 100, (byte) 200, (byte) 255};
    byte[] png = ImageEncoder.png(grey, 1, 2, 2);
    assertArrayEquals(new byte[] {0, 100, (byte) 200, (byte) 255, 0, 100, (byte) 200, (byte) 255, 0, 100, (byte) 200,
        (byte) 255}, ImageDecoder.decodeBytes(png, 3, 2));
  }

  @Test
  void colorServesOneChannelByItsLuma() throws Exception {
    // One pixel each of red, green, blue and a grey stored as colour.
    byte[] color = {(byte) 255, 0, 0, 77, 0, (byte) 255, 0, 77, 0, 0, (byte) 255, 77};
    assertArrayEquals(new byte[] {76, (byte) 150, 29, 77},
        ImageDecoder.decodeBytes(ImageEncoder.png(color, 3, 2, 2), 1, 2));
  }

  @Test
  void sixteenBitGreyIsCutToEight() throws Exception {
    BufferedImage image = new BufferedImage(1, 1, BufferedImage.TYPE_USHORT_GRAY);
    image.getRaster().setSample(0, 0, 0, 0x80ff);
    assertArrayEquals(new byte[] {(byte) 0x80}, ImageDecoder.decodeBytes(png(image), 1, 1));
  }

  @Test
  void transparencyIsRefused() throws Exception {
    BufferedImage image = new BufferedImage(2, 2, BufferedImage.TYPE_INT_ARGB);
    for (int i = 0; i < 4; i++) {
      image.setRGB(i % 2, i / 2, 0xff102030);
    }
    assertArrayEquals(new byte[] {16, 16, 16, 16, 32, 32, 32, 32, 48, 48, 48, 48},
        ImageDecoder.decodeBytes(png(image), 3, 2));
    image.setRGB(1, 0, 0x80102030);
    InvalidImageException e =
        assertThrows(InvalidImageException.class, () -> ImageDecoder.decodeBytes(png(image), 3, 2));
    assertTrue(e.getMessage().startsWith("the pixel at column 1, row 0 is transparent"), e.getMessage());
  }

  private static void assertDecodedOrRefused(byte[] bytes) {
    try {
      assertEquals(3 * SIZE * SIZE, ImageDecoder.decode(bytes, 3, SIZE).length);
    } catch (InvalidImageException e) {
      assertTrue(e.getMessage().length() > 10);
    }
  }

  /** An image with some structure, so that its file has content to damage. */
  private static byte[] image(String format, int channels) {
    float[] image = new float[channels * SIZE * SIZE];
    for (int i = 0; i < image.length; i++) {
      image[i] = (float) Math.sin(i * 0.7);
    }
    return format.equals("png") ? ImageEncoder.png(image, channels, SIZE, SIZE)
        : ImageEncoder.jpeg(image, channels, SIZE, SIZE);
  }

  private static byte[] png(BufferedImage image) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ImageIO.write(image, "png", out);
    return out.toByteArray();
  }

  private static void repairCheckSums(byte[] png) {
    ByteBuffer bytes = ByteBuffer.wrap(png);
    int at = 8;
    while (at + 12 <= png.length) {
      int length = bytes.getInt(at);
      if (length < 0 || length > png.length - at - 12) {
        return;
      }
      CRC32 crc = new CRC32();
      crc.update(png, at + 4, length + 4);
      bytes.putInt(at + 8 + length, (int) crc.getValue());
      at += 12 + length;
    }
  }

  private static int indexOf(byte[] bytes, byte first, byte second) {
    for (int i = 0; i + 1 < bytes.length; i++) {
      if (bytes[i] == first && bytes[i + 1] == second) {
        return i;
      }
    }
    throw new AssertionError("no such marker");
  }

  private static byte[] concatenate(byte[] a, byte[] b) {
    return ByteBuffer.allocate(a.length + b.length).put(a).put(b).array();
  }

  private static long allocated() {
    return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getThreadAllocatedBytes(
        Thread.currentThread().getId());
  }
}
