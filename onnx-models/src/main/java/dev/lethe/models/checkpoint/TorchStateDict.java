package dev.lethe.models.checkpoint;

import dev.lethe.models.graph.Tensor;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes what {@code torch.load} reads, with {@code weights_only} too: a zip file of a pickle of protocol 2 and a file
 * for each tensor.
 */
public final class TorchStateDict {

  private static final String FOLDER = "archive/";
  private static final long ANY_TIME = 0;

  private final ByteArrayOutputStream pickle = new ByteArrayOutputStream();
  private final List<Tensor> storages = new ArrayList<>();

  private TorchStateDict() {}

  /**
   * Writes a dictionary of state dictionaries and texts.
   *
   * @param dictionaries float32 tensors by name, by the dictionary's name
   * @param texts beside the dictionaries
   */
  public static void write(Path file, Map<String, Map<String, Tensor>> dictionaries, Map<String, String> texts)
      throws IOException {
    TorchStateDict writer = new TorchStateDict();
    writer.root(dictionaries, texts);
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file, StandardOpenOption.CREATE_NEW));
        ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.setMethod(ZipOutputStream.STORED);
      entry(zip, "data.pkl", writer.pickle.toByteArray());
      entry(zip, "byteorder", "little".getBytes(StandardCharsets.US_ASCII));
      for (int i = 0; i < writer.storages.size(); i++) {
        entry(zip, "data/" + i, Safetensors.littleEndian(writer.storages.get(i)).array());
      }
      entry(zip, "version", "3\n".getBytes(StandardCharsets.US_ASCII));
    }
  }

  private static void entry(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
    CRC32 sum = new CRC32();
    sum.update(bytes);
    ZipEntry entry = new ZipEntry(FOLDER + name);
    entry.setSize(bytes.length);
    entry.setCrc(sum.getValue());
    entry.setTime(ANY_TIME);
    zip.putNextEntry(entry);
    zip.write(bytes);
    zip.closeEntry();
  }

  // ---- the pickle ----

  private void root(Map<String, Map<String, Tensor>> dictionaries, Map<String, String> texts) {
    pickle.write(0x80);
    pickle.write(2);
    pickle.write('}');
    dictionaries.forEach((name, tensors) -> {
      text(name);
      emptyOrderedDict();
      tensors.forEach((key, tensor) -> {
        text(key);
        tensor(tensor);
        pickle.write('s');
      });
      pickle.write('s');
    });
    texts.forEach((name, text) -> {
      text(name);
      text(text);
      pickle.write('s');
    });
    pickle.write('.');
  }

  private void tensor(Tensor tensor) {
    global("torch._utils", "_rebuild_tensor_v2");
    pickle.write('(');
    pickle.write('(');
    text("storage");
    global("torch", "FloatStorage");
    text(Integer.toString(storages.size()));
    text("cpu");
    whole(tensor.data().length);
    pickle.write('t');
    pickle.write('Q');
    storages.add(tensor);
    whole(0);
    long[] shape = tensor.shape();
    long[] strides = new long[shape.length];
    long step = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      strides[i] = step;
      step *= shape[i];
    }
    wholes(shape);
    wholes(strides);
    pickle.write(0x89);
    emptyOrderedDict();
    pickle.write('t');
    pickle.write('R');
  }

  private void emptyOrderedDict() {
    global("collections", "OrderedDict");
    pickle.write(')');
    pickle.write('R');
  }

  private void global(String module, String name) {
    pickle.writeBytes(("c" + module + "\n" + name + "\n").getBytes(StandardCharsets.US_ASCII));
  }

  private void text(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    pickle.write('X');
    pickle.writeBytes(ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(utf8.length).array());
    pickle.writeBytes(utf8);
  }

  private void wholes(long[] values) {
    pickle.write('(');
    for (long value : values) {
      whole((int) value);
    }
    pickle.write('t');
  }

  private void whole(int value) {
    pickle.write('J');
    pickle.writeBytes(ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
  }
}
