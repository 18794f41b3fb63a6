package dev.lethe.server.security;

import java.util.Locale;

/** What a principal may do. */
public enum Role {
  /** Generate images. */
  GENERATE,
  /** Submit, follow and cancel unlearning jobs. */
  UNLEARN,
  /** Swap and load versions of models; follow and cancel jobs. */
  OPERATE,
  /** Beside {@link #GENERATE}: send latents that are closed to others. */
  LATENTS;

  /** As configuration files and tokens write it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
