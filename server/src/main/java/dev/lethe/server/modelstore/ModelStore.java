package dev.lethe.server.modelstore;

import dev.lethe.models.bundle.Bundle;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.function.Predicate;

/**
 * The versions of all models: those that came with the installation, which are only read, and the store's own, which
 * unlearning made. A version is handed out as a {@link Bundle}, to be read by its methods, and never changes; what is
 * kept beside its networks goes through {@link VersionFiles}.
 *
 * <p>Blocks: not for event loops.
 */
public interface ModelStore {

  /** Names of models with at least one version. */
  SortedSet<String> models() throws IOException;

  /** Finished versions of a model by name, in natural order; what cannot be read is left out with a warning. */
  NavigableMap<String, Bundle> versions(String model) throws IOException;

  /** Why cards cannot be read that are there, by version. */
  Map<String, String> unreadable(String model) throws IOException;

  /**
   * For orders to serve what is in the store: an older version must not be served without a word in place of the one
   * that was just put there.
   *
   * @throws IOException if the newest version of a model cannot be read, and no other was chosen, with the reason
   */
  void requireNewest(String model) throws IOException;

  /** The version that {@link #choose} set, else the one that came with the model as the one to serve. */
  Optional<String> chosen(String model) throws IOException;

  /** Sets the version that a server serves from its next start on. */
  void choose(String model, String version) throws IOException;

  /**
   * Takes a finished bundle over, from where it was made; there is nothing left there. The version to serve stays the
   * one that it is.
   *
   * @return the version in the store
   * @throws IOException if there is a version of this name, or it cannot be stored
   */
  Bundle install(Bundle candidate) throws IOException;

  /** Names that no new version may get: those that there are, and those of which anything is left. */
  Set<String> taken(String model) throws IOException;

  /** Names of models of which there is anything, versions or no more than their proof. */
  Set<String> known() throws IOException;

  /** Whether the store has nothing of its own, and never had. */
  boolean isEmpty() throws IOException;

  /** Whether a version is the store's own, and not one that came with the installation. */
  boolean isOwn(Bundle version);

  /**
   * Takes a version of the store's own out of its versions, for its files to be deleted; whatever happens, {@link
   * #purging} has it until they are.
   */
  void beginPurge(Bundle version) throws IOException;

  /** Versions of the store's own whose files are being deleted, or were not all deleted when a server ended. */
  Set<String> purging(String model) throws IOException;

  /**
   * Deletes the files of a version that is in {@link #purging}, or what is left of one that lost its card.
   *
   * @param keep whether a file stays, by its name
   * @return names of files that were deleted
   */
  List<String> finishPurge(String model, String version, Predicate<String> keep) throws IOException;

  /** What lies with a version's networks. */
  VersionFiles files(Bundle version);

  /** The same of a version that may have no card that can be read: where its files lie, or lay. */
  VersionFiles files(String model, String version);

  /**
   * Where the proof of a version is kept, its signature above all: with its networks if the version is the store's own;
   * also of a version that is not there any more.
   */
  VersionFiles proof(String model, String version);

  /** Where another process finds a version. */
  URI uri(Bundle version);
}
