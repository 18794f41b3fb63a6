package dev.lethe.models.stylegan2.imports;

/** Told how far reading has come. */
@FunctionalInterface
public interface Progress {

  /** @param values of so many in all that were read */
  void read(long values, long all);
}
