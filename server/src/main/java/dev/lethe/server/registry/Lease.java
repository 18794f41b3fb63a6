package dev.lethe.server.registry;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.features.RecognisedClasses;
import dev.lethe.server.inference.ServedGenerator;

/** The right to use a version: its sessions stay open until {@link #close}, which may be called more than once. */
public interface Lease extends AutoCloseable {

  ServedGenerator generator();

  ModelCard card();

  /** What its feature network tells apart. */
  RecognisedClasses recognises();

  @Override
  void close();
}
