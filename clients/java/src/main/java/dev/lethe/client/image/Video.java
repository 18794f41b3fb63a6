package dev.lethe.client.image;

import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import org.jcodec.api.awt.AWTSequenceEncoder;
import org.jcodec.common.io.FileChannelWrapper;
import org.jcodec.common.io.NIOUtils;
import org.jcodec.common.model.Rational;

/** An MP4 file of H.264 that pictures of one size are added to. */
public final class Video implements AutoCloseable {

  private final FileChannelWrapper file;
  private final AWTSequenceEncoder encoder;

  /** @param framesPerSecond 1 or more */
  public Video(Path file, int framesPerSecond) throws IOException {
    this.file = NIOUtils.writableChannel(file.toFile());
    this.encoder = new AWTSequenceEncoder(this.file, Rational.R(framesPerSecond, 1));
  }

  /**
   * Adds a picture.
   *
   * @param scale pixels of the video for one of the picture, at least 1
   */
  public void add(BufferedImage picture, int scale) throws IOException {
    // The encoder takes colours alone, and sides of even length.
    int width = (picture.getWidth() * scale + 1) / 2 * 2;
    int height = (picture.getHeight() * scale + 1) / 2 * 2;
    BufferedImage frame = new BufferedImage(width, height, BufferedImage.TYPE_3BYTE_BGR);
    Graphics2D canvas = frame.createGraphics();
    try {
      canvas.drawImage(picture, 0, 0, width, height, null);
    } finally {
      canvas.dispose();
    }
    encoder.encodeImage(frame);
  }

  /** Completes the file. */
  public void finish() throws IOException {
    encoder.finish();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
