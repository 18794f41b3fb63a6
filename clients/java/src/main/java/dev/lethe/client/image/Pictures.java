package dev.lethe.client.image;

import dev.lethe.v1.Image;
import dev.lethe.v1.ImageFormat;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import javax.imageio.ImageIO;

/** Images of the protocol to and from pixels, and many of them in one picture. */
public final class Pictures {

  private static final int BACKGROUND = 0x30343c;

  private Pictures() {}

  /**
   * Decodes a PNG or JPEG image.
   *
   * @throws IOException if the bytes are no such image
   */
  public static BufferedImage decode(Image image) throws IOException {
    if (image.getFormat() == ImageFormat.IMAGE_FORMAT_RAW) {
      throw new IOException("a raw tensor " + image.getShapeList() + " is no picture; ask for PNG or JPEG");
    }
    BufferedImage decoded = ImageIO.read(new ByteArrayInputStream(image.getData().toByteArray()));
    if (decoded == null) {
      throw new IOException("the " + image.getData().size() + " bytes received are no PNG or JPEG image");
    }
    return decoded;
  }

  /**
   * One picture of many, row by row, enlarged without smoothing.
   *
   * @param columns pictures in a row
   * @param scale pixels of the grid for one of a picture, at least 1
   * @throws IllegalArgumentException if there is no picture, or they differ in size
   */
  public static BufferedImage grid(List<BufferedImage> pictures, int columns, int scale) {
    if (pictures.isEmpty()) {
      throw new IllegalArgumentException("a grid needs at least one picture");
    }
    int width = pictures.get(0).getWidth();
    int height = pictures.get(0).getHeight();
    int gap = Math.max(1, width * scale / 32);
    int rows = (pictures.size() + columns - 1) / columns;
    BufferedImage grid = new BufferedImage(columns * (width * scale + gap) + gap, rows * (height * scale + gap) + gap,
        BufferedImage.TYPE_INT_RGB);
    Graphics2D canvas = grid.createGraphics();
    try {
      canvas.setColor(new Color(BACKGROUND));
      canvas.fillRect(0, 0, grid.getWidth(), grid.getHeight());
      for (int i = 0; i < pictures.size(); i++) {
        BufferedImage picture = pictures.get(i);
        if (picture.getWidth() != width || picture.getHeight() != height) {
          throw new IllegalArgumentException("picture " + i + " is " + picture.getWidth() + " x "
              + picture.getHeight() + ", the first is " + width + " x " + height);
        }
        canvas.drawImage(picture, gap + i % columns * (width * scale + gap), gap + i / columns * (height * scale + gap),
            width * scale, height * scale, null);
      }
    } finally {
      canvas.dispose();
    }
    return grid;
  }

  /** A scale that makes pictures of this width readable on a screen: about 64 pixels wide, never smaller than is. */
  public static int readableScale(int width) {
    return Math.max(1, 64 / width);
  }

  public static byte[] png(BufferedImage picture) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      ImageIO.write(picture, "png", bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }
}
