package dev.lethe.server.registry;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.features.RecognisedClasses;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.Precondition;
import dev.lethe.server.inference.ServedGenerator;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A version in memory, counted: one holder for its place in the registry and one for each lease. It is closed when the
 * last one lets go; a count that has reached 0 never rises again.
 */
final class ServedVersion {

  /** For requests that have begun when a version is retired. */
  static final Duration TO_END = Duration.ofSeconds(5);

  private final ServedGenerator generator;
  private final RecognisedClasses recognises;
  private final Consumer<ServedVersion> unused;
  private final AtomicInteger holders = new AtomicInteger(1);
  private volatile @Nullable Ending ending;

  /** @param at by {@link System#nanoTime} */
  private record Ending(String reason, long at) {}

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

  /**
   * Nobody may be served it any more. What has begun may end, for a moment: no short request notices, and a long stream
   * does not go on drawing what was erased.
   *
   * @param reason a sentence
   */
  void endLeases(String reason) {
    if (ending == null) {
      ending = new Ending(reason, System.nanoTime() + TO_END.toNanos());
    }
  }

  private Optional<DomainException> over() {
    Ending told = ending;
    return told == null || System.nanoTime() < told.at ? Optional.empty()
        : Optional.of(new Precondition("version: " + told.reason));
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
    public Optional<DomainException> over() {
      return ServedVersion.this.over();
    }

    @Override
    public void close() {
      if (held.getAndSet(false)) {
        release();
      }
    }
  }
}
