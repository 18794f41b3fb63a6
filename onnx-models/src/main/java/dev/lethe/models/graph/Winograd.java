package dev.lethe.models.graph;

/**
 * Convolution with 3×3 kernels by Winograd's minimal filtering F(4×4, 3×3): a quarter of the multiplications, for
 * transforms of what goes in and comes out (Lavin and Gray 2015, "Fast Algorithms for Convolutional Neural Networks",
 * section 4.3). Worth it where channels are many. Sums differ from those of the plain form by about 1e-5 of their
 * standard deviation.
 */
public final class Winograd {

  /** Height and width of an output tile. */
  private static final int TILE = 4;
  /** Of an input tile. */
  private static final int WINDOW = 6;

  /** B transposed: an input tile's rows to the points. */
  private static final Tensor INPUT = matrix(WINDOW, WINDOW,
      4, 0, -5, 0, 1, 0,
      0, -4, -4, 1, 1, 0,
      0, 4, -4, -1, 1, 0,
      0, -2, -1, 2, 1, 0,
      0, 2, -1, -2, 1, 0,
      0, 4, 0, -5, 0, 1);

  /** G: a kernel's rows to the points. */
  private static final double[][] KERNEL = {
      {1 / 4.0, 0, 0},
      {-1 / 6.0, -1 / 6.0, -1 / 6.0},
      {-1 / 6.0, 1 / 6.0, -1 / 6.0},
      {1 / 24.0, 1 / 12.0, 1 / 6.0},
      {1 / 24.0, -1 / 12.0, 1 / 6.0},
      {0, 0, 1}};

  /** A transposed: the points to an output tile's rows. */
  private static final double[][] OUTPUT = {
      {1, 1, 1, 1, 1, 0},
      {0, 1, -1, 2, -2, 0},
      {0, 1, 1, 4, 4, 0},
      {0, 1, -1, 8, -8, 1}};

  private final BlockedOps ops;

  public Winograd(BlockedOps ops) {
    this.ops = ops;
  }

  /**
   * The same as {@link BlockedOps#conv} with zeros of one pixel around.
   *
   * @param x blocked, [N, I, H, W]; height and width are multiples of 4
   * @param weight [O, I, 3, 3]
   * @return blocked, [N, O, H, W]
   */
  public Value conv(Value x, Tensor weight) {
    long batch = x.dim(0);
    long height = x.dim(2);
    long width = x.dim(3);
    long down = height / TILE;
    long across = width / TILE;
    int block = ops.block();
    long blocks = x.dim(1) / block;
    if (height % TILE != 0 || width % TILE != 0) {
      throw new IllegalArgumentException("height and width of " + x + " must be multiples of " + TILE);
    }
    // Rows, then columns, of all channels alike; then the points outermost.
    Value rows = ops.onRowTiles(Ops.reshape(x, flat(batch, blocks), height, width * block), INPUT, TILE);
    Value points = ops.onRowTiles(Ops.reshape(rows, flat(batch, blocks * WINDOW * down), width, block), INPUT, TILE);
    points = Ops.reshape(points, batch, blocks, WINDOW, down, WINDOW, across * block);
    points = Ops.transpose(points, 0, 2, 4, 1, 3, 5);
    int outs = (int) weight.shape()[0];
    int all = WINDOW * WINDOW;
    // A product for each point: one pointwise convolution with as many groups.
    Value products = ops.conv(Ops.reshape(points, batch, all * x.dim(1), down, across), transformed(weight),
        BlockedOps.Padding.all(0), all);
    Value tiles = Ops.matmul(x.graph().constant(outputs()), Ops.reshape(products, batch, all, outs * down * across));
    tiles = Ops.reshape(tiles, batch, TILE, TILE, outs / block, down, across, block);
    return Ops.reshape(Ops.transpose(tiles, 0, 3, 4, 1, 5, 2, 6), batch, outs, height, width);
  }

  private static long flat(long batch, long more) {
    return batch == Shapes.FREE ? Shapes.FREE : batch * more;
  }

  /** G w Gᵀ of each kernel: [O, I, 3, 3] → [36 O, I, 1, 1]. */
  private static Tensor transformed(Tensor weight) {
    int outs = (int) weight.shape()[0];
    int ins = (int) weight.shape()[1];
    float[] data = new float[WINDOW * WINDOW * outs * ins];
    for (int k = 0; k < outs * ins; k++) {
      transform(weight.data(), k, data, outs * ins);
    }
    return new Tensor(new long[] {(long) WINDOW * WINDOW * outs, ins, 1, 1}, data);
  }

  /** Of one kernel; point p of kernel k goes to p · kernels + k. */
  private static void transform(float[] weight, int kernel, float[] points, int kernels) {
    for (int a = 0; a < WINDOW; a++) {
      double[] row = new double[3];
      for (int x = 0; x < 3; x++) {
        for (int y = 0; y < 3; y++) {
          row[x] += KERNEL[a][y] * weight[kernel * 9 + y * 3 + x];
        }
      }
      for (int b = 0; b < WINDOW; b++) {
        points[(a * WINDOW + b) * kernels + kernel] =
            (float) (row[0] * KERNEL[b][0] + row[1] * KERNEL[b][1] + row[2] * KERNEL[b][2]);
      }
    }
  }

  /** Aᵀ of rows and columns at once: [16, 36]. */
  private static Tensor outputs() {
    float[] data = new float[TILE * TILE * WINDOW * WINDOW];
    int at = 0;
    for (int i = 0; i < TILE; i++) {
      for (int j = 0; j < TILE; j++) {
        for (int a = 0; a < WINDOW; a++) {
          for (int b = 0; b < WINDOW; b++) {
            data[at++] = (float) (OUTPUT[i][a] * OUTPUT[j][b]);
          }
        }
      }
    }
    return new Tensor(new long[] {TILE * TILE, WINDOW * WINDOW}, data);
  }

  private static Tensor matrix(int rows, int columns, float... values) {
    return new Tensor(new long[] {rows, columns}, values);
  }
}
