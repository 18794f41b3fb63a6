package dev.lethe.server.inference;

import org.jspecify.annotations.Nullable;

/** Is told how requests of a version end, on their own threads; must not block. */
public interface RequestObserver {

  /**
   * A request, of up to a batch of images, has ended.
   *
   * @param failure why it failed; null if it did not
   * @param seconds from its coming to its end, its wait included
   */
  void ended(@Nullable Throwable failure, double seconds);
}
