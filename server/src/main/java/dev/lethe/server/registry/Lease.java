package dev.lethe.server.registry;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.features.RecognisedClasses;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.inference.ServedGenerator;
import java.util.Optional;

/** The right to use a version: its sessions stay open until {@link #close}, which may be called more than once. */
public interface Lease extends AutoCloseable {

  ServedGenerator generator();

  ModelCard card();

  /** What its feature network tells apart. */
  RecognisedClasses recognises();

  /**
   * Why nobody is served the version any more, what it has begun included: an erasure retired it a while ago. Empty
   * while its requests may go on.
   */
  Optional<DomainException> over();

  @Override
  void close();
}
