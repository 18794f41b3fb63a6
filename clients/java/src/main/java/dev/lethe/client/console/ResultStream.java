package dev.lethe.client.console;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.util.Optional;

/** Standard output that knows why it could not be written: Java's own forgets that. */
final class ResultStream extends PrintStream {

  /** As Linux and macOS say of a pipe whose reader, such as {@code head}, wants no more. */
  private static final String CLOSED_PIPE = "Broken pipe";

  private final Watched watched;

  private ResultStream(Watched watched, Charset charset) {
    super(new BufferedOutputStream(watched, 8192), true, charset);
    this.watched = watched;
  }

  static ResultStream standardOutput() {
    // Of Java 19 and newer, then of 17.
    String charset = System.getProperty("stdout.encoding", System.getProperty("sun.stdout.encoding"));
    return of(new FileOutputStream(FileDescriptor.out), charset == null ? Charset.defaultCharset()
        : Charset.forName(charset));
  }

  static ResultStream of(OutputStream out, Charset charset) {
    return new ResultStream(new Watched(out), charset);
  }

  /** What of the output did not get through; empty if all did, or nobody wants it any more. */
  Optional<String> lost() {
    return checkError() && watched.failure != null && !CLOSED_PIPE.equals(watched.failure.getMessage())
        ? Optional.of(String.valueOf(watched.failure.getMessage())) : Optional.empty();
  }

  /** Keeps the first failure. */
  private static final class Watched extends FilterOutputStream {

    // Written by whoever prints, under the stream's lock, and read when all has been printed.
    private volatile IOException failure;

    Watched(OutputStream out) {
      super(out);
    }

    @Override
    public void write(int one) throws IOException {
      write(new byte[] {(byte) one}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
      try {
        out.write(bytes, from, length);
      } catch (IOException e) {
        failure = failure == null ? e : failure;
        throw e;
      }
    }
  }
}
