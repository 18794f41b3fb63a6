package dev.lethe.models.image;

/**
 * How a camera was held, by EXIF's numbers: pixel (x, y) of the upright image is stored at (x', y'), which are x and y,
 * or y and x where it is transposed, each counted from the other end where it is flipped.
 */
enum Orientation {
  UPRIGHT(false, false, false, ""),
  MIRRORED(false, true, false, "mirrored"),
  HALF_TURN(false, true, true, "turned by 180°"),
  FLIPPED(false, false, true, "flipped"),
  TRANSPOSED(true, false, false, "mirrored and turned by 90°"),
  QUARTER_TURN(true, false, true, "turned by 90°"),
  TRANSVERSE(true, true, true, "mirrored and turned by 270°"),
  THREE_QUARTER_TURN(true, true, false, "turned by 270°");

  final boolean transposed;
  final boolean flippedX;
  final boolean flippedY;
  /** What makes it upright, for people. */
  final String step;

  Orientation(boolean transposed, boolean flippedX, boolean flippedY, String step) {
    this.transposed = transposed;
    this.flippedX = flippedX;
    this.flippedY = flippedY;
    this.step = step;
  }

  /** By EXIF's number; what is no such number counts as upright, as viewers have it. */
  static Orientation of(int exif) {
    return exif >= 1 && exif <= values().length ? values()[exif - 1] : UPRIGHT;
  }

  /** Where a rectangle of the upright image is stored. */
  Window stored(Window upright, int width, int height) {
    int x = transposed ? upright.top() : upright.left();
    int y = transposed ? upright.left() : upright.top();
    int w = transposed ? upright.height() : upright.width();
    int h = transposed ? upright.width() : upright.height();
    return new Window(flippedX ? width - x - w : x, flippedY ? height - y - h : y, w, h);
  }

  /**
   * Makes an image upright.
   *
   * @param stored [C, height, width]
   */
  byte[] upright(byte[] stored, int channels, int width, int height) {
    int w = transposed ? height : width;
    int h = transposed ? width : height;
    byte[] upright = new byte[stored.length];
    for (int c = 0; c < channels; c++) {
      for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
          int fromX = transposed ? y : x;
          int fromY = transposed ? x : y;
          fromX = flippedX ? width - 1 - fromX : fromX;
          fromY = flippedY ? height - 1 - fromY : fromY;
          upright[(c * h + y) * w + x] = stored[(c * height + fromY) * width + fromX];
        }
      }
    }
    return upright;
  }

  /** A rectangle in pixels. */
  record Window(int left, int top, int width, int height) {}
}
