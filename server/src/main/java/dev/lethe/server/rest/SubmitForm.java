package dev.lethe.server.rest;

import static dev.lethe.server.rest.ProtoJson.invalid;

import com.google.protobuf.UnsafeByteOperations;
import dev.lethe.server.logging.SafeText;
import dev.lethe.v1.Image;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UploadedImages;
import io.grpc.StatusRuntimeException;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.multipart.Attribute;
import io.netty.handler.codec.http.multipart.DefaultHttpDataFactory;
import io.netty.handler.codec.http.multipart.FileUpload;
import io.netty.handler.codec.http.multipart.HttpPostMultipartRequestDecoder;
import io.netty.handler.codec.http.multipart.HttpPostRequestDecoder;
import io.netty.handler.codec.http.multipart.InterfaceHttpData;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A submission as a form ({@code curl -F}, a page's FormData): {@code spec} first, in JSON, if it is there; then the
 * files {@code unlearn} and {@code learn}. A file's name may begin with a folder, its class.
 */
final class SubmitForm extends Body {

  /** Of a part's header, or of a boundary. */
  private static final int MOST_UNDECODED = 64 << 10;

  private static final Buffer END_OF_LINE = Buffer.buffer("\r\n");
  /** What Netty keeps of a form that is not gone on with is garbage, with no call to release it. */
  private static final ByteBufAllocator HEAP = new UnpooledByteBufAllocator(false, true);

  private final HttpPostMultipartRequestDecoder parts;
  private boolean specified;
  private boolean whole;
  private int count;
  private byte last;

  /** @param contentType with its boundary */
  SubmitForm(String contentType) {
    DefaultHttpRequest request = new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, "/");
    request.headers().set(HttpHeaderNames.CONTENT_TYPE, contentType);
    try {
      this.parts = new HttpPostMultipartRequestDecoder(new DefaultHttpDataFactory(false), request,
          StandardCharsets.UTF_8, -1, MOST_UNDECODED);
    } catch (HttpPostRequestDecoder.ErrorDataDecoderException e) {
      throw invalid("content-type: a form needs its boundary");
    }
    parts.setDiscardThreshold(MOST_UNDECODED);
  }

  @Override
  void read(Buffer chunk) {
    if (chunk.length() > 0) {
      last = chunk.getByte(chunk.length() - 1);
    }
    offer(content(chunk));
    fits(unused(), which(parts.currentPartialHttpData()));
  }

  @Override
  void finish() {
    try {
      // The end of line after the last boundary may be missing, and Netty waits for it.
      offer(content(last == '\r' ? END_OF_LINE.slice(1, 2) : END_OF_LINE));
      offer(LastHttpContent.EMPTY_LAST_CONTENT);
    } finally {
      InterfaceHttpData half = parts.currentPartialHttpData();
      if (half != null) {
        half.release();
      }
      parts.destroy();
    }
    if (!whole) {
      // The parts so far might be fewer photos than are to be erased.
      throw invalid("the form ends early (whole parts: " + count + "): the boundary that closes it has not come; send"
          + " it again from the start");
    }
    specify();
  }

  /** A part that is coming in. */
  private String which(@Nullable InterfaceHttpData part) {
    if (part instanceof FileUpload file) {
      return file.getName() + ": " + SafeText.bounded(file.getFilename(), SafeText.NAME);
    }
    return part == null ? "part " + (count + 1) + " of the form" : SafeText.bounded(part.getName(), SafeText.NAME);
  }

  private static DefaultHttpContent content(Buffer chunk) {
    return new DefaultHttpContent(HEAP.heapBuffer(chunk.length()).writeBytes(chunk.getBytes()));
  }

  private void offer(io.netty.handler.codec.http.HttpContent content) {
    try {
      parts.offer(content);
      while (parts.hasNext()) {
        InterfaceHttpData part = parts.next();
        count++;
        take(part);
        parts.removeHttpDataFromClean(part);
        part.release();
      }
    } catch (HttpPostRequestDecoder.EndOfDataDecoderException end) {
      // All parts are taken, and the form is closed.
      whole = true;
    } catch (HttpPostRequestDecoder.TooLongFormFieldException e) {
      throw invalid("part " + (count + 1) + " of the form has headers of more than " + MOST_UNDECODED + " bytes");
    } catch (StatusRuntimeException refusal) {
      throw refusal;
    } catch (IOException | RuntimeException e) {
      // Netty says what of its own code went wrong, down to pointers that are null.
      throw invalid("part " + (count + 1) + " of the form (multipart/form-data) cannot be read: it begins with the"
          + " boundary that content-type tells, then content-disposition: form-data; name=\"...\", and of a file"
          + " filename=\"...\"");
    }
  }

  private void take(InterfaceHttpData part) throws IOException {
    if (part instanceof Attribute field && field.getName().equals("spec")) {
      if (specified) {
        throw invalid("spec: comes once, before all files");
      }
      specified = true;
      if (!fitsJson(field.length(), "spec", "a specification is small")) {
        return;
      }
      UnlearnSpec.Builder spec = UnlearnSpec.newBuilder();
      String json = JsonCheck.text(JsonSource.SPEC, Buffer.buffer(field.get()));
      ProtoJson.merge(JsonSource.SPEC, json, spec);
      add(SubmitRequest.newBuilder().setSpec(spec).build());
    } else if (part instanceof FileUpload file && (file.getName().equals("unlearn")
        || file.getName().equals("learn"))) {
      specify();
      LabelledImage image = LabelledImage.newBuilder()
          .setImage(Image.newBuilder().setData(UnsafeByteOperations.unsafeWrap(file.get())))
          .setLabel(folder(file.getFilename()))
          .setName(file.getFilename())
          .build();
      add(SubmitRequest.newBuilder().setImages(UploadedImages.newBuilder().addImages(image)
          .setRole(file.getName().equals("learn") ? ImageRole.IMAGE_ROLE_LEARN : ImageRole.IMAGE_ROLE_UNLEARN))
              .build());
    } else {
      throw invalid("the form has a field \"" + SafeText.bounded(part.getName(), SafeText.NAME) + "\"; there are spec"
          + " (JSON), and the files unlearn and learn");
    }
  }

  /** The protocol wants a specification first. */
  private void specify() {
    if (!specified) {
      specified = true;
      add(SubmitRequest.newBuilder().setSpec(UnlearnSpec.getDefaultInstance()).build());
    }
  }

  private static String folder(String name) {
    String[] path = name.replace('\\', '/').split("/");
    return path.length < 2 ? "" : path[path.length - 2];
  }
}
