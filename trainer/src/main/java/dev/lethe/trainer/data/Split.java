package dev.lethe.trainer.data;

import java.util.Locale;

/** The part of a data set to read. */
public enum Split {
  TRAIN,
  TEST;

  /** {@code train} or {@code test}: the name in messages and of a split's folder. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
