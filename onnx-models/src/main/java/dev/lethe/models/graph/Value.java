package dev.lethe.models.graph;

import java.util.Arrays;

/** A tensor in a {@link Graph}: an input, a parameter, a constant or what a node makes. Shape and type are known. */
public final class Value {

  private final Graph graph;
  private final String name;
  private final DataType type;
  private final long[] shape;
  private final Node producer;

  Value(Graph graph, String name, DataType type, long[] shape, Node producer) {
    this.graph = graph;
    this.name = name;
    this.type = type;
    this.shape = shape;
    this.producer = producer;
  }

  public Graph graph() {
    return graph;
  }

  public String name() {
    return name;
  }

  public DataType type() {
    return type;
  }

  public long[] shape() {
    return shape.clone();
  }

  public int rank() {
    return shape.length;
  }

  /** Dimension by axis; {@link Shapes#FREE} for the batch of a serving graph. */
  public long dim(int axis) {
    return shape[axis];
  }

  /** Number of elements of a static shape. */
  public long size() {
    return Shapes.size(shape);
  }

  public boolean hasShape(long... other) {
    return Arrays.equals(shape, other);
  }

  /** The node that makes this value; null for inputs, parameters and constants. */
  public Node producer() {
    return producer;
  }

  @Override
  public String toString() {
    return name + Arrays.toString(shape);
  }
}
