package dev.lethe.server.generation;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.image.ImageEncoder;
import dev.lethe.models.image.Pixels;
import dev.lethe.v1.Image;
import dev.lethe.v1.ImageFormat;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * Turns a generator's output into what the client asked for.
 *
 * @param network tells the image's shape
 * @param format PNG, JPEG or RAW
 */
record ImageFormatter(ModelCard.Network network, ImageFormat format) {

  /** @param pixels [C, H, W], about [-1, 1] */
  Image format(FloatBuffer pixels) {
    int channels = network.channels();
    int size = network.resolution();
    Image.Builder image = Image.newBuilder().setFormat(format);
    switch (format) {
      case IMAGE_FORMAT_PNG -> image.setData(bytes(ImageEncoder.png(Pixels.toBytes(pixels), channels, size, size)));
      case IMAGE_FORMAT_JPEG -> image.setData(bytes(ImageEncoder.jpeg(Pixels.toBytes(pixels), channels, size, size)));
      case IMAGE_FORMAT_RAW -> image.setData(raw(pixels)).addShape(channels).addShape(size).addShape(size);
      default -> throw new IllegalArgumentException("no image is written as " + format);
    }
    return image.build();
  }

  private static ByteString raw(FloatBuffer pixels) {
    ByteBuffer bytes = ByteBuffer.allocate(pixels.remaining() * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(pixels);
    return UnsafeByteOperations.unsafeWrap(bytes);
  }

  private static ByteString bytes(byte[] owned) {
    return UnsafeByteOperations.unsafeWrap(owned);
  }
}
