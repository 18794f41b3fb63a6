package dev.lethe.server.inference;

import java.nio.FloatBuffer;

/** One image on its way through mapping and synthesis. In one stage's hands at a time. */
final class ImageTask implements Batcher.Work {

  private final ImageRequest<?> request;
  private final int index;
  private final Latent latent;
  private final Runnable onDrop;
  private float[] ws;
  private long submitted;

  /**
   * @param index of the request's images
   * @param onDrop told if it is dropped before its turn
   */
  ImageTask(ImageRequest<?> request, int index, Latent latent, Runnable onDrop) {
    this.request = request;
    this.index = index;
    this.latent = latent;
    this.onDrop = onDrop;
    this.ws = latent instanceof Latent.W w ? w.ws() : null;
    this.submitted = System.nanoTime();
  }

  ImageRequest<?> request() {
    return request;
  }

  Noise noise() {
    return request.noise();
  }

  Latent latent() {
    return latent;
  }

  /** [num_ws * w_dim]; null before mapping. */
  float[] ws() {
    return ws;
  }

  /** Ready for synthesis, and submitted to it. */
  void mapped(float[] ws) {
    this.ws = ws;
    this.submitted = System.nanoTime();
  }

  void encode(FloatBuffer image) {
    request.encode(index, image, ws);
  }

  void done() {
    request.done();
  }

  void fail(Throwable reason) {
    request.fail(reason);
  }

  /** The image was made for nobody. */
  void discard() {
    request.drop();
  }

  @Override
  public boolean wanted() {
    return request.wanted();
  }

  @Override
  public void drop() {
    onDrop.run();
    request.drop();
  }

  @Override
  public long submitted() {
    return submitted;
  }
}
