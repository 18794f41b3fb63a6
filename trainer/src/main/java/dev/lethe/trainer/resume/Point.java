package dev.lethe.trainer.resume;

import dev.lethe.models.graph.Tensor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What is kept of one piece of work.
 *
 * @param tensors by name
 * @param numbers by name
 * @param texts in order
 * @param session a training session's checkpoint; empty of work that trains nothing
 */
public record Point(Map<String, Tensor> tensors, Map<String, Double> numbers, List<String> texts, byte[] session) {

  /** Most dimensions of a tensor that is read. */
  private static final int MOST_DIMENSIONS = 8;

  /** Tensors alone. */
  public static Point of(Map<String, Tensor> tensors) {
    return new Point(tensors, Map.of(), List.of(), new byte[0]);
  }

  /** @throws IOException if there is no such tensor: this is another piece of work's */
  public Tensor tensor(String name) throws IOException {
    return required(tensors, name);
  }

  /** @throws IOException if there is no such number */
  public double number(String name) throws IOException {
    return required(numbers, name);
  }

  private static <T> T required(Map<String, T> values, String name) throws IOException {
    T value = values.get(name);
    if (value == null) {
      throw new IOException("it has no " + name + ", only " + values.keySet());
    }
    return value;
  }

  byte[] bytes() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeInt(tensors.size());
    for (Map.Entry<String, Tensor> tensor : tensors.entrySet()) {
      out.writeUTF(tensor.getKey());
      out.writeInt(tensor.getValue().shape().length);
      for (long dimension : tensor.getValue().shape()) {
        out.writeLong(dimension);
      }
      ByteBuffer values = ByteBuffer.allocate(Math.multiplyExact(tensor.getValue().data().length, Float.BYTES));
      values.asFloatBuffer().put(tensor.getValue().data());
      out.write(values.array());
    }
    out.writeInt(numbers.size());
    for (Map.Entry<String, Double> number : numbers.entrySet()) {
      out.writeUTF(number.getKey());
      out.writeDouble(number.getValue());
    }
    out.writeInt(texts.size());
    for (String text : texts) {
      out.writeUTF(text);
    }
    out.writeInt(session.length);
    out.write(session);
    return bytes.toByteArray();
  }

  /** @throws IOException if these are no bytes of a point */
  static Point of(byte[] bytes) throws IOException {
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (int left = in.readInt(); left > 0; left--) {
      String name = in.readUTF();
      int dimensions = in.readInt();
      if (dimensions < 0 || dimensions > MOST_DIMENSIONS) {
        throw new IOException("its tensor " + name + " has " + dimensions + " dimensions");
      }
      long[] shape = new long[dimensions];
      long size = 1;
      for (int i = 0; i < dimensions; i++) {
        shape[i] = in.readLong();
        // A negative or overflowing product is caught below, where more is asked for than is there.
        size = shape[i] < 0 ? -1 : size < 0 ? size : size * shape[i];
      }
      float[] values = new float[(int) (whole(in, size, Float.BYTES, name) / Float.BYTES)];
      ByteBuffer.wrap(in.readNBytes(values.length * Float.BYTES)).asFloatBuffer().get(values);
      tensors.put(name, new Tensor(shape, values));
    }
    Map<String, Double> numbers = new LinkedHashMap<>();
    for (int left = in.readInt(); left > 0; left--) {
      numbers.put(in.readUTF(), in.readDouble());
    }
    List<String> texts = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      texts.add(in.readUTF());
    }
    byte[] session = in.readNBytes((int) whole(in, in.readInt(), 1, "session"));
    if (in.available() > 0) {
      throw new IOException("it goes on after its end");
    }
    return new Point(tensors, numbers, texts, session);
  }

  /** Bytes of so many elements, which are there. */
  private static long whole(DataInputStream in, long elements, int each, String what) throws IOException {
    if (elements < 0 || elements > in.available() / each) {
      throw new IOException("it ends within its " + what);
    }
    return elements * each;
  }
}
