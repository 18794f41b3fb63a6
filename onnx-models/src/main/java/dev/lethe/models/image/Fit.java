package dev.lethe.models.image;

/** How an image of another size becomes one of a model's. */
public enum Fit {
  /** It does not: it is refused. */
  EXACT,
  /** All of it, in the middle of a background; made smaller if it is larger, and never larger. */
  PAD,
  /** The largest square in its middle, made smaller or larger. */
  CROP,
  /** All of it, made square: what is not square is distorted. */
  RESIZE
}
