package dev.lethe.models.image;

import java.nio.FloatBuffer;

/** The two forms of a pixel's channel: an unsigned byte in files and data sets, a float in [-1, 1] in networks. */
public final class Pixels {

  private Pixels() {}

  /** {@code value / 127.5 - 1} of the unsigned byte: 0 becomes -1, 255 becomes 1. */
  public static float toFloat(byte value) {
    return (value & 0xff) / 127.5f - 1;
  }

  /**
   * {@code floor(value * 127.5 + 128)} clamped to [0, 255], as StyleGAN2's generate script does; the inverse of
   * {@link #toFloat}. NaN becomes 0.
   */
  public static byte toByte(float value) {
    return (byte) Math.max(0, Math.min(255, (int) Math.floor(value * 127.5f + 128)));
  }

  /** {@link #toFloat(byte)} of every element. */
  public static float[] toFloats(byte[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = toFloat(values[i]);
    }
    return floats;
  }

  /** {@link #toByte(float)} of every element. */
  public static byte[] toBytes(float[] values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = toByte(values[i]);
    }
    return bytes;
  }

  /** {@link #toByte(float)} of every element that remains; the buffer's position stays. */
  public static byte[] toBytes(FloatBuffer values) {
    byte[] bytes = new byte[values.remaining()];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = toByte(values.get(values.position() + i));
    }
    return bytes;
  }
}
