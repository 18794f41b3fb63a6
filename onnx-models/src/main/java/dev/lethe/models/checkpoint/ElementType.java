package dev.lethe.models.checkpoint;

import java.nio.ByteBuffer;
import java.util.Map;

/** Types of a stored tensor's elements, little-endian. */
public enum ElementType {
  F64(8),
  F32(4),
  F16(2),
  BF16(2),
  I64(8),
  I32(4),
  I16(2),
  I8(1),
  U8(1),
  BOOL(1);

  private static final Map<String, ElementType> BY_NUMPY_NAME = Map.of("f8", F64, "f4", F32, "f2", F16, "i8", I64, "i4",
      I32, "i2", I16, "i1", I8, "u1", U8, "b1", BOOL);
  private static final Map<String, ElementType> BY_TORCH_NAME = Map.of("Double", F64, "Float", F32, "Half", F16,
      "BFloat16", BF16, "Long", I64, "Int", I32, "Short", I16, "Char", I8, "Byte", U8, "Bool", BOOL);

  private final int bytes;

  ElementType(int bytes) {
    this.bytes = bytes;
  }

  public int bytes() {
    return bytes;
  }

  /** Whether elements are floating-point numbers. */
  public boolean isReal() {
    return this == F64 || this == F32 || this == F16 || this == BF16;
  }

  /** By numpy's name without its byte order, as {@code f4}; null if it is none of these. */
  static ElementType ofNumpy(String name) {
    return BY_NUMPY_NAME.get(name);
  }

  /** By what stands before "Storage" in torch's name, as {@code Float}; null if it is none of these. */
  static ElementType ofTorch(String name) {
    return BY_TORCH_NAME.get(name);
  }

  /** By safetensors' name, which are these; null if it is none of them. */
  static ElementType ofSafetensors(String name) {
    for (ElementType type : values()) {
      if (type.name().equals(name)) {
        return type;
      }
    }
    return null;
  }

  /**
   * A floating-point element as a float.
   *
   * @param bytes little-endian
   * @param at position of its first byte
   */
  float real(ByteBuffer bytes, int at) {
    return switch (this) {
      case F64 -> (float) bytes.getDouble(at);
      case F32 -> bytes.getFloat(at);
      case F16 -> half(bytes.getShort(at));
      case BF16 -> Float.intBitsToFloat(bytes.getShort(at) << 16);
      default -> throw new IllegalStateException(this + " is not real");
    };
  }

  /** IEEE 754 half precision. */
  private static float half(short bits) {
    int sign = bits & 0x8000;
    int exponent = bits >> 10 & 0x1f;
    int mantissa = bits & 0x3ff;
    float magnitude = switch (exponent) {
      case 0 -> mantissa * 0x1p-24f;
      case 0x1f -> mantissa == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
      default -> Float.intBitsToFloat(exponent + 112 << 23 | mantissa << 13);
    };
    return sign == 0 ? magnitude : -magnitude;
  }
}
