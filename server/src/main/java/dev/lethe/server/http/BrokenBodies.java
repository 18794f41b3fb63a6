package dev.lethe.server.http;

import dev.lethe.server.rest.Rest;
import io.grpc.Status;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;

/**
 * Answers HTTP/1.1 requests whose body cannot be read, such as one of chunks without a size: Vert.x closes their
 * connection without a word. One for each connection, on its event loop.
 */
final class BrokenBodies extends ChannelDuplexHandler {

  private String path = "";
  // Requests whose answer has not begun; an answer in between would be taken for that of the first of them.
  private int unanswered;
  private boolean broken;

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
    if (broken) {
      ReferenceCountUtil.release(message);
      return;
    }
    if (message instanceof HttpRequest request) {
      path = request.uri();
      unanswered++;
    } else if (message instanceof HttpContent body && body.decoderResult().isFailure() && unanswered == 1) {
      broken = true;
      body.release();
      answer(context);
      return;
    }
    super.channelRead(context, message);
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) throws Exception {
    if (broken) {
      ReferenceCountUtil.release(message);
      promise.tryFailure(new IllegalStateException("the request was no HTTP, and was told so"));
      return;
    }
    if (message instanceof HttpResponse response
        && response.status().codeClass() != HttpStatusClass.INFORMATIONAL) {
      unanswered--;
    }
    super.write(context, message, promise);
  }

  private void answer(ChannelHandlerContext context) {
    byte[] json = Rest.refusal(path, Status.INVALID_ARGUMENT.withDescription("the request's body is no HTTP: it is said"
        + " to come in chunks (transfer-encoding: chunked), and one does not begin with its size, hexadecimal"), 400)
        .getBytes(StandardCharsets.UTF_8);
    DefaultFullHttpResponse answer = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.BAD_REQUEST,
        Unpooled.wrappedBuffer(json));
    answer.headers().set(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.APPLICATION_JSON)
        .set(HttpHeaderNames.CONTENT_LENGTH, json.length)
        .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE)
        .set("x-content-type-options", "nosniff");
    // Whoever waits for the rest of the body is told by the connection's end.
    context.writeAndFlush(answer).addListener(ChannelFutureListener.CLOSE);
  }
}
