package dev.lethe.server.rpc;

import com.google.protobuf.MessageLite;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * A client that says over HTTP/2 what no library would let it say, and nothing of itself: neither acknowledgements nor
 * windows.
 */
public final class RawHttp2 implements AutoCloseable {

  public static final int DATA = 0;
  public static final int HEADERS = 1;
  public static final int RST_STREAM = 3;
  public static final int SETTINGS = 4;
  public static final int PING = 6;
  public static final int GOAWAY = 7;
  /** Of PING and SETTINGS. */
  public static final int ACK = 1;
  /** Of DATA and HEADERS. */
  public static final int END_STREAM = 1;
  private static final int END_HEADERS = 4;
  private static final int PRIORITY = 0x20;
  private static final int PRIORITY_BYTES = 5;
  /** Largest DATA frame that a server has to take. */
  private static final int LARGEST_FRAME = 16_384;

  /** @param payload as it is on the wire */
  public record Frame(int type, int flags, int stream, byte[] payload) {}

  private final Socket socket;
  private final DataOutputStream out;
  private final DataInputStream in;
  private final DefaultHttp2HeadersDecoder decoder = new DefaultHttp2HeadersDecoder();

  /** Connects and says no more. */
  public RawHttp2(int port) throws IOException {
    socket = new Socket("127.0.0.1", port);
    out = new DataOutputStream(socket.getOutputStream());
    in = new DataInputStream(socket.getInputStream());
  }

  /** What each connection begins with: the preface, and empty settings. */
  public RawHttp2 preface() throws IOException {
    out.writeBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    frame(SETTINGS, 0, 0, new byte[0]);
    return this;
  }

  /** Begins a call. */
  public void call(int stream, String method, String authority) throws IOException {
    ByteArrayOutputStream headers = new ByteArrayOutputStream();
    // Indexed :method POST and :scheme http, then literals.
    headers.write(0x83);
    headers.write(0x86);
    literal(headers, ":path", "/" + method);
    literal(headers, ":authority", authority);
    literal(headers, "content-type", "application/grpc");
    literal(headers, "te", "trailers");
    frame(HEADERS, END_HEADERS, stream, headers.toByteArray());
  }

  /** One message, and the end of the stream if there are no more. */
  public void message(int stream, MessageLite message, boolean last) throws IOException {
    byte[] bytes = message.toByteArray();
    bytes(stream, ByteBuffer.allocate(5 + bytes.length).put((byte) 0).putInt(bytes.length).put(bytes).array(), last);
  }

  /** Bytes of a stream, in as many frames as they need. */
  public void bytes(int stream, byte[] bytes, boolean last) throws IOException {
    for (int at = 0; at < bytes.length; at += LARGEST_FRAME) {
      int length = Math.min(LARGEST_FRAME, bytes.length - at);
      byte[] part = new byte[length];
      System.arraycopy(bytes, at, part, 0, length);
      frame(DATA, last && at + length == bytes.length ? END_STREAM : 0, stream, part);
    }
  }

  public void frame(int type, int flags, int stream, byte[] payload) throws IOException {
    out.writeByte(payload.length >> 16);
    out.writeShort(payload.length);
    out.writeByte(type);
    out.writeByte(flags);
    out.writeInt(stream);
    out.write(payload);
    out.flush();
  }

  /** The next frame of the server; empty if it has closed the connection. */
  public Optional<Frame> next() throws IOException {
    try {
      int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
      int type = in.readUnsignedByte();
      int flags = in.readUnsignedByte();
      int stream = in.readInt();
      return Optional.of(new Frame(type, flags, stream, in.readNBytes(length)));
    } catch (EOFException | SocketException e) {
      return Optional.empty();
    }
  }

  /** The next frame of a stream's end: trailers, or a reset; empty if the connection is closed before it. */
  public Optional<Frame> end(int stream) throws IOException {
    Optional<Frame> frame = next();
    while (frame.isPresent() && !(frame.get().stream() == stream && (frame.get().type() == RST_STREAM
        || frame.get().type() == HEADERS && (frame.get().flags() & END_STREAM) != 0))) {
      if (frame.get().type() == HEADERS) {
        // The decoder has to see all of them: later ones rest on earlier ones.
        headers(frame.get());
      }
      frame = next();
    }
    return frame;
  }

  /** The headers of a frame of type HEADERS; call it once for each, in order. */
  public Http2Headers headers(Frame frame) throws IOException {
    try {
      // What precedes them is the priority that servers of Vert.x send along.
      int skip = (frame.flags() & PRIORITY) != 0 ? PRIORITY_BYTES : 0;
      return decoder.decodeHeaders(frame.stream(),
          Unpooled.wrappedBuffer(frame.payload(), skip, frame.payload().length - skip));
    } catch (Http2Exception e) {
      throw new IOException(e);
    }
  }

  /** Waits for the end of the connection; true if it came within the time. */
  public boolean closedWithin(int milliseconds) throws IOException {
    long limit = System.nanoTime() + milliseconds * 1_000_000L;
    try {
      while (System.nanoTime() < limit) {
        socket.setSoTimeout((int) Math.max(1, (limit - System.nanoTime()) / 1_000_000));
        if (next().isEmpty()) {
          return true;
        }
      }
      return false;
    } catch (SocketTimeoutException e) {
      return false;
    }
  }

  private static void literal(ByteArrayOutputStream out, String name, String value) {
    out.write(0);
    for (String text : List.of(name, value)) {
      byte[] ascii = text.getBytes(StandardCharsets.US_ASCII);
      out.write(ascii.length);
      out.writeBytes(ascii);
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
