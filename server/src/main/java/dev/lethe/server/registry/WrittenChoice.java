package dev.lethe.server.registry;

import dev.lethe.server.modelstore.ModelStore;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which version of a model is to be served, as it is written down beside its versions, for the next start and for
 * other servers that share the folder. What was ordered and could not be written, as on a full disk, counts as written,
 * and is written later. Changed on the loader alone. Blocks: not for event loops.
 */
final class WrittenChoice {

  private static final Logger LOG = LoggerFactory.getLogger(WrittenChoice.class);

  private final String model;
  private final ModelStore store;
  private final Succession succession;
  private volatile @Nullable Unwritten unwritten;

  /**
   * A choice that could not be written down.
   *
   * @param instead the one that stands there
   */
  private record Unwritten(String version, Optional<String> instead) {}

  WrittenChoice(String model, ModelStore store, Succession succession) {
    this.model = model;
    this.store = store;
    this.succession = succession;
  }

  /** What stands there, or what the shipped model says; empty if neither was ever chosen. */
  Optional<String> read() throws IOException {
    return store.chosen(model);
  }

  /** The version that is chosen, and of which that is not written down yet. */
  Optional<String> ahead() {
    return Optional.ofNullable(unwritten).map(Unwritten::version);
  }

  /** Whether another version is chosen, by this server or one that shares the folder. */
  boolean isOther(String version) throws IOException {
    Optional<String> written = read();
    Unwritten ahead = unwritten;
    return !written.map(version::equals).orElse(true) && (ahead == null || !written.equals(ahead.instead()));
  }

  /**
   * Writes a choice down.
   *
   * @param serves the version until now: what stands there if that cannot be read
   * @throws ChoiceNotWrittenException if it cannot be written, which {@link #retry} makes up for
   */
  void write(String version, Optional<String> serves) throws ChoiceNotWrittenException {
    Optional<String> before = unwritten == null ? serves : unwritten.instead();
    try {
      before = read();
      if (!before.equals(Optional.of(version))) {
        store.choose(model, version);
      }
      unwritten = null;
    } catch (IOException e) {
      unwritten = new Unwritten(version, before);
      throw new ChoiceNotWrittenException("version " + version + " of " + model + " serves, but that cannot be written"
          + " down yet, so that another may serve after a restart: " + e.getMessage() + ". It is tried again every so"
          + " often, until its folder can be written", e);
    }
  }

  /** Writes down what could not be written, if nothing else was chosen since. */
  void retry() {
    Unwritten choice = unwritten;
    if (choice == null) {
      return;
    }
    try {
      if (read().equals(choice.instead()) && !succession.isSuperseded(choice.version())) {
        store.choose(model, choice.version());
        LOG.info("{}: the choice of version {} is written down now", model, choice.version());
      }
      unwritten = null;
    } catch (IOException e) {
      LOG.debug("{}: the choice of version {} cannot be written down yet", model, choice.version(), e);
    }
  }

  /** A version serves: what could not be written of another is over. */
  void serves(String version) {
    if (!ahead().map(version::equals).orElse(true)) {
      unwritten = null;
    }
  }
}
