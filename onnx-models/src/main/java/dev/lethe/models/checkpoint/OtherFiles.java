package dev.lethe.models.checkpoint;

import dev.lethe.models.image.UnreadPictures;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Files that are no checkpoints, known by their first bytes: what a file is says more than why it cannot be read. */
final class OtherFiles {

  /** What is read, to end a message with. */
  static final String EXPECTED = "expected: a pickle of StyleGAN2-ADA-PyTorch or of TensorFlow's StyleGAN2, a .pt of "
      + "rosinality's code, or what 'lethe export' wrote";

  /** Bytes as characters of Latin-1 from the start on; a dot stands for any. */
  private static final Map<String, String> BY_START = new LinkedHashMap<>();

  static {
    BY_START.put("\u00ff\u00d8\u00ff", "a JPEG image");
    BY_START.put("\u0089PNG\r\n", "a PNG image");
    BY_START.put("RIFF....WEBP", "a WebP image");
    BY_START.put("RIFF", "a sound or a video");
    BY_START.put("%PDF-", "a PDF");
    BY_START.put("\u0093NUMPY", "a NumPy array");
    BY_START.put("\u0089HDF\r\n", "an HDF5 file, as Keras writes it");
    BY_START.put("GGUF", "a GGUF file");
    BY_START.put("\u001f\u008b", "compressed by gzip: unpack it first");
    BY_START.put("BZh", "compressed by bzip2: unpack it first");
    BY_START.put("\u00fd7zXZ", "compressed by xz: unpack it first");
    BY_START.put("7z\u00bc\u00af", "a 7-Zip archive: unpack it first");
    BY_START.put("Rar!", "a RAR archive: unpack it first");
    BY_START.put("\u007fELF", "a program");
    BY_START.put("version https://git-lfs",
        "a pointer of Git LFS and not the file itself: fetch it with 'git lfs pull'");
  }

  private OtherFiles() {}

  /**
   * What a file is that is no checkpoint.
   *
   * @param start its first bytes
   */
  static Optional<String> known(ByteBuffer start) {
    byte[] bytes = new byte[start.remaining()];
    start.duplicate().get(bytes);
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    return UnreadPictures.known(bytes).or(() -> BY_START.entrySet().stream()
        .filter(known -> begins(text, known.getKey())).map(Map.Entry::getValue).findFirst());
  }

  private static boolean begins(String text, String pattern) {
    if (text.length() < pattern.length()) {
      return false;
    }
    for (int i = 0; i < pattern.length(); i++) {
      if (pattern.charAt(i) != '.' && pattern.charAt(i) != text.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Whether a file begins with text, as some pickles do.
   *
   * @param start its first bytes; the last character may be cut
   */
  static boolean isText(ByteBuffer start) {
    CharBuffer text = CharBuffer.allocate(start.remaining() + 1);
    CoderResult result = StandardCharsets.UTF_8.newDecoder().decode(start.duplicate(), text, false);
    text.flip();
    return !result.isError() && !text.isEmpty()
        && text.chars().allMatch(c -> c >= ' ' && c != 0x7f || c == '\n' || c == '\r' || c == '\t');
  }
}
