package dev.lethe.models.latent;

/**
 * The random numbers of {@code numpy.random.RandomState(seed)}, so that a seed names the same latent here as in the
 * StyleGAN2 reference: MT19937 (Matsumoto and Nishimura 1998) seeded by Knuth's recurrence, and Gaussian deviates by
 * Marsaglia's polar method, which makes two at a time. Not safe for use by several threads.
 *
 * <p>Commons Math has the same generator, but seeds it differently from 2^31 on.
 */
public final class NumpyRandom {

  /** The largest seed. */
  public static final long MAX_SEED = 0xffffffffL;

  private static final int STATE = 624;
  private static final int SHIFT = 397;

  private final int[] state = new int[STATE];
  private int next;
  private double spareGaussian = Double.NaN;

  /**
   * A generator at its start.
   *
   * @param seed in [0, 2^32)
   */
  public NumpyRandom(long seed) {
    if (seed < 0 || seed > MAX_SEED) {
      throw new IllegalArgumentException("seed must be in [0, " + MAX_SEED + "], not " + seed);
    }
    state[0] = (int) seed;
    for (int i = 1; i < STATE; i++) {
      state[i] = 1812433253 * (state[i - 1] ^ state[i - 1] >>> 30) + i;
    }
  }

  /**
   * The latent that a seed names: {@code RandomState(seed).randn(1, n)[0]}, computed in double, rounded to float.
   *
   * @return [n]
   */
  public static float[] normal(long seed, int n) {
    NumpyRandom random = new NumpyRandom(seed);
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** The next 32 bits. */
  public int nextInt() {
    // The generator's "twist", of this word alone: a latent takes a part of the state.
    int both = state[next] & 0x80000000 | state[(next + 1) % STATE] & 0x7fffffff;
    int bits = state[(next + SHIFT) % STATE] ^ both >>> 1 ^ -(both & 1) & 0x9908b0df;
    state[next] = bits;
    next = (next + 1) % STATE;
    bits ^= bits >>> 11;
    bits ^= bits << 7 & 0x9d2c5680;
    bits ^= bits << 15 & 0xefc60000;
    return bits ^ bits >>> 18;
  }

  /** Uniform in [0, 1), with 53 bits. */
  public double nextDouble() {
    long high = nextInt() >>> 5;
    long low = nextInt() >>> 6;
    return ((high << 26) + low) * 0x1p-53;
  }

  /** Normal with mean 0 and deviation 1. */
  public double nextGaussian() {
    if (!Double.isNaN(spareGaussian)) {
      double spare = spareGaussian;
      spareGaussian = Double.NaN;
      return spare;
    }
    double x;
    double y;
    double square;
    do {
      x = 2 * nextDouble() - 1;
      y = 2 * nextDouble() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square == 0);
    double factor = Math.sqrt(-2 * StrictMath.log(square) / square);
    spareGaussian = factor * x;
    return factor * y;
  }
}
