package dev.lethe.server.http;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;

/**
 * Takes requests of versions that nobody speaks for malformed ones, which are told why: Vert.x answers them itself,
 * with a code that is about methods (501) and without a word.
 */
final class HttpVersions extends ChannelInboundHandlerAdapter {

  /** A request of no version that is answered. */
  static final class UnknownException extends Exception {

    private static final long serialVersionUID = 1;

    UnknownException() {
      super("neither HTTP/1.1 nor HTTP/1.0", null, false, false);
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
    if (message instanceof HttpRequest request && request.decoderResult().isSuccess()
        && !request.protocolVersion().equals(HttpVersion.HTTP_1_1)
        && !request.protocolVersion().equals(HttpVersion.HTTP_1_0)) {
      // The answer is of a version that is there.
      request.setProtocolVersion(HttpVersion.HTTP_1_1);
      request.setDecoderResult(DecoderResult.failure(new UnknownException()));
    }
    super.channelRead(context, message);
  }
}
