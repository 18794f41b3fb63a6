package dev.lethe.server.registry;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.features.RecognisedClasses;
import dev.lethe.server.inference.ServedGenerator;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * A version in memory, counted: one holder for its place in the registry and one for each lease. It is closed when the
 * last one lets go; a count that has reached 0 never rises again.
 */
final class ServedVersion {

  private final ServedGenerator generator;
  private final RecognisedClasses recognises;
  private final Consumer<ServedVersion> unused;
  private final AtomicInteger holders = new AtomicInteger(1);

  /**
   * @param recognises what its feature network tells apart
   * @param unused told once nobody holds it, on the thread that let go last; it closes the generator
   */
  ServedVersion(ServedGenerator generator, RecognisedClasses recognises, Consumer<ServedVersion> unused) {
    this.generator = generator;
    this.recognises = recognises;
    this.unused = unused;
  }

  String version() {
    return generator.card().version();
  }

  ServedGenerator generator() {
    return generator;
  }

  /** A lease; null if it was retired and let go by all. */
  Lease lease() {
    int count;
    do {
      count = holders.get();
      if (count == 0) {
        return null;
      }
    } while (!holders.compareAndSet(count, count + 1));
    return new Held();
  }

  /** Gives up its place in the registry. Call once. */
  void retire() {
    release();
  }

  private void release() {
    if (holders.decrementAndGet() == 0) {
      unused.accept(this);
    }
  }

  private final class Held implements Lease {

    private final AtomicBoolean held = new AtomicBoolean(true);

    @Override
    public ServedGenerator generator() {
      return generator;
    }

    @Override
    public ModelCard card() {
      return generator.card();
    }

    @Override
    public RecognisedClasses recognises() {
      return recognises;
    }

    @Override
    public void close() {
      if (held.getAndSet(false)) {
        release();
      }
    }
  }
}
