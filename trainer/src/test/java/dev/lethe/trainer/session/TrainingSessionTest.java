package dev.lethe.trainer.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnxruntime.OnnxTensor;
import dev.lethe.models.runtime.TestDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainingSessionTest {

  private static final AdamOptions ADAM = new AdamOptions(0.01f, 0.9f, 0.999f, 1e-8f, 0);
  private static final int BATCH = 8;
  private static final int IN = 3;
  private static final int HIDDEN = 5;

  @TempDir Path temp;

  @ParameterizedTest
  @CsvSource({
      "0.9, 0.999, 1e-8, 0",
      "0, 0.99, 1e-8, 0",
      "0.5, 0.99, 1e-3, 0",
      "0.9, 0.999, 1e-8, 0.1"})
  void aNetworkOfTwoLayersTrainsLikeTheFormula(float beta1, float beta2, float epsilon, float decay)
      throws IOException {
    AdamOptions options = new AdamOptions(0.01f, beta1, beta2, epsilon, decay);
    GraphText network = network();
    Map<String, double[]> expected = new HashMap<>();
    network.parameters.forEach(parameter -> expected.put(parameter.name(), doubles(parameter.values())));
    AdamReference adam = new AdamReference(options);
    try (TrainingSession session = open(network, options)) {
      for (int step = 0; step < 30; step++) {
        float[] x = random(100 + step, BATCH * IN);
        float[] t = random(200 + step, BATCH);
        double loss = referenceStep(expected, adam, x, t);
        assertEquals(loss, iterate(session, x, t), 2e-5 * Math.max(1, loss), "loss of step " + step);
      }
      Map<String, float[]> actual = session.parameters();
      expected.forEach((name, values) ->
          assertArrayEquals(values, doubles(actual.get(name)), 2e-5, name + " after training"));
    }
  }

  @Test
  void goesOnFromACheckpointAsIfNothingHadHappened() throws IOException {
    List<Float> straight = new ArrayList<>();
    Map<String, float[]> end;
    TrainingArtifacts artifacts = write(network(), ADAM);
    try (TrainingSession session = TrainingSession.open(artifacts, TestDevice.compute())) {
      session.setLearningRate(0.03f);
      train(session, 0, 20, straight);
      end = session.parameters();
    }
    List<Float> interrupted = new ArrayList<>();
    Path saved = temp.resolve("saved");
    try (TrainingSession session = TrainingSession.open(artifacts, TestDevice.compute())) {
      session.setLearningRate(0.03f);
      session.setNumber("images", 80);
      train(session, 0, 10, interrupted);
      session.saveCheckpoint(saved);
    }
    try (TrainingSession session = TrainingSession.open(artifacts.resumeFrom(saved), TestDevice.compute())) {
      assertEquals(0.03f, session.learningRate());
      assertEquals(80, session.number("images"));
      train(session, 10, 20, interrupted);
      assertEquals(straight, interrupted, "losses");
      session.parameters().forEach((name, values) -> assertArrayEquals(end.get(name), values, name));
    }
  }

  @Test
  void aSavedCheckpointHasTheOptimizersState() throws IOException {
    Path saved = temp.resolve("saved");
    Files.writeString(saved, "an older file");
    float[] x = random(1, BATCH * IN);
    float[] t = random(2, BATCH);
    Map<String, double[]> parameters = new HashMap<>();
    GraphText network = network();
    network.parameters.forEach(parameter -> parameters.put(parameter.name(), doubles(parameter.values())));
    double[] gradient = gradients(parameters, x, t, new double[1]).get("w2");
    try (TrainingSession session = open(network, ADAM)) {
      iterate(session, x, t);
      session.saveCheckpoint(saved);
    }
    Checkpoint checkpoint = Checkpoint.read(saved);
    Checkpoint.OptimizerState state = checkpoint.optimizer().orElseThrow();
    assertEquals(1, state.step());
    assertEquals(Set.of("w1", "b1", "w2"), state.moments().keySet());
    float[] first = state.moments().get("w2").first();
    float[] second = state.moments().get("w2").second();
    for (int i = 0; i < HIDDEN; i++) {
      assertEquals(0.1 * gradient[i], first[i], 1e-6);
      assertEquals(0.001 * gradient[i] * gradient[i], second[i], 1e-7);
    }
    assertEquals(List.of("b1", "w1", "w2", "frozen"), checkpoint.parameters().stream().map(Parameter::name).toList());
    assertFalse(checkpoint.parameters().get(3).trainable());
    // What this program writes of it, ONNX Runtime goes on from as from its own file.
    Path rewritten = temp.resolve("rewritten");
    checkpoint.write(rewritten);
    TrainingArtifacts artifacts = write(network(), ADAM);
    List<Float> fromOwn = new ArrayList<>();
    List<Float> fromRewritten = new ArrayList<>();
    try (TrainingSession session = TrainingSession.open(artifacts.resumeFrom(saved), TestDevice.compute())) {
      train(session, 1, 6, fromOwn);
    }
    try (TrainingSession session = TrainingSession.open(artifacts.resumeFrom(rewritten), TestDevice.compute())) {
      train(session, 1, 6, fromRewritten);
    }
    assertEquals(fromOwn, fromRewritten);
  }

  @Test
  void gradientsAddUpUntilTheyAreReset() throws IOException {
    GraphText graph = new GraphText().input("x", 2)
        .parameter("p", true, new float[] {0, 0}, 2)
        .node("g = Identity(x)").gradient("p", "g")
        .node("y = Mul(p, x)").output("y", 2);
    // With these options a step moves p by the gradient's sign, and with beta1 0.5 the moment shows its size.
    try (TrainingSession session = open(graph, new AdamOptions(1, 0.5f, 0.5f, 1e-8f, 0));
        StepInputs a = new StepInputs().put("x", new float[] {1, 2}, 2);
        StepInputs b = new StepInputs().put("x", new float[] {10, 20}, 2)) {
      session.lazyResetGrad();
      session.trainStep(a.tensors());
      session.trainStep(b.tensors());
      session.optimizerStep();
      assertArrayEquals(new float[] {5.5f, 11}, firstMoment(session, "p"));
      session.lazyResetGrad();
      session.trainStep(a.tensors());
      session.optimizerStep();
      assertArrayEquals(new float[] {5.5f / 2 + 0.5f, 5.5f + 1}, firstMoment(session, "p"));
    }
  }

  @Test
  void aZeroGradientLeavesAParameterWhereItIsIfThereIsNoFirstMoment() throws IOException {
    GraphText graph = new GraphText().input("x", 1)
        .parameter("p", true, new float[] {3}, 1)
        .node("g = Identity(x)").gradient("p", "g")
        .node("y = Mul(p, x)").output("y", 1);
    try (TrainingSession session = open(graph, new AdamOptions(0.1f, 0, 0.99f, 1e-8f, 0));
        StepInputs inputs = new StepInputs().put("x", new float[] {1}, 1)) {
      for (float gradient : new float[] {0, 1, 0}) {
        session.lazyResetGrad();
        session.trainStep(inputs.put("x", new float[] {gradient}, 1).tensors());
        float before = session.parameters().get("p")[0];
        session.optimizerStep();
        float after = session.parameters().get("p")[0];
        assertEquals(gradient != 0, before != after, "moved with gradient " + gradient);
      }
    }
  }

  @Test
  void inputsMayHaveAnyTypeAndOrder() throws IOException {
    GraphText graph = new GraphText()
        .input("labels", TensorProto.DataType.INT64, 3).input("x", 2).input("keep", TensorProto.DataType.BOOL, 1)
        .parameter("table", true, new float[] {1, 2, 3, 4}, 2, 2)
        .node("rows = Gather(table, labels)")
        .node("scaled = Mul(rows, x)")
        .node("zeros = Sub(scaled, scaled)")
        .node("y = Where(keep, scaled, zeros)").output("y", 3, 2)
        .node("g = Mul(table, x)").gradient("table", "g");
    try (TrainingSession session = open(graph, ADAM);
        StepInputs inputs = new StepInputs()
            .put("keep", true).put("x", new float[] {1, 10}, 2).put("labels", new long[] {1, 0, 1}, 3)) {
      assertEquals(List.of("labels", "x", "keep"), List.copyOf(session.inputNames()));
      assertArrayEquals(new float[] {3, 40, 1, 20, 3, 40}, session.trainStep(inputs.tensors()).floats("y"));
      assertArrayEquals(new float[6], session.trainStep(inputs.put("keep", false).tensors()).floats("y"));
    }
  }

  /** Lazy regularization and the two phases of unlearning are built like this. */
  @Test
  void anIfSelectsAnExtraGradientAndItsOtherBranchCostsNothing() throws IOException {
    int n = 512;
    GraphText heavy = new GraphText();
    String last = "big";
    for (int i = 0; i < 8; i++) {
      heavy.node("m" + i + " = MatMul(" + last + ", big)");
      last = "m" + i;
    }
    heavy.node("total = ReduceSum(" + last + ")", GraphText.integer("keepdims", 0))
        .node("penalty = Add(total, only_here)").output("penalty")
        .node("extra = Mul(p, two)").output("extra", 2);
    GraphText zero = new GraphText()
        .node("no_penalty = Constant()", GraphText.floats("value", new float[] {0})).output("no_penalty")
        .node("no_extra = Constant()", GraphText.floats("value", new float[2], 2)).output("no_extra", 2);
    GraphText graph = new GraphText().input("x", 2).input("do_r1", TensorProto.DataType.BOOL, 1)
        .parameter("p", true, new float[] {1, 2}, 2)
        .parameter("big", false, new float[n * n], n, n)
        .parameter("only_here", false, new float[] {7})
        .constant("two", 2)
        .node("r1, r1_gradient = If(do_r1)",
            GraphText.graph("then_branch", heavy), GraphText.graph("else_branch", zero))
        .node("g = Add(x, r1_gradient)").gradient("p", "g")
        .node("loss = Identity(r1)").output("loss");
    try (TrainingSession session = open(graph, new AdamOptions(0, 0, 0.5f, 1e-8f, 0));
        StepInputs inputs = new StepInputs().put("x", new float[] {10, 10}, 2)) {
      double[] milliseconds = new double[2];
      for (int taken = 0; taken < 2; taken++) {
        inputs.put("do_r1", taken == 1);
        double best = Double.POSITIVE_INFINITY;
        for (int i = 0; i < 10; i++) {
          session.lazyResetGrad();
          long start = System.nanoTime();
          StepOutputs outputs = session.trainStep(inputs.tensors());
          best = Math.min(best, (System.nanoTime() - start) / 1e6);
          assertEquals(taken == 1 ? 7 : 0, outputs.scalar("loss"));
        }
        milliseconds[taken] = best;
        session.optimizerStep();
        assertArrayEquals(taken == 1 ? new float[] {12, 14} : new float[] {10, 10}, firstMoment(session, "p"));
      }
      assertTrue(milliseconds[0] < milliseconds[1] / 5,
          "milliseconds without and with the branch: " + Arrays.toString(milliseconds));
    }
  }

  @Test
  void movingAveragesFollowInsideTheSession() throws IOException {
    GraphText graph = new GraphText().input("x", 2)
        .parameter("p", true, new float[] {1, 2}, 2)
        .node("g = Identity(x)").gradient("p", "g")
        .node("y = Mul(p, x)").output("y", 2);
    TrainingArtifacts.addMovingAverages(
        graph.proto, Map.of("p", "p.average"), Map.of("p", new long[] {2}), "rate");
    graph.parameters.add(new Parameter("p.average", new long[] {2}, new float[] {1, 2}, false));
    try (TrainingSession session = open(graph, new AdamOptions(0.5f, 0, 0.5f, 1e-8f, 0));
        StepInputs inputs = new StepInputs().put("x", new float[] {1, -1}, 2).put("rate", new float[] {0.25f})) {
      assertEquals(List.of("y"), List.copyOf(session.outputNames()));
      double[] average = {1, 2};
      float[] p = {1, 2};
      for (int step = 0; step < 5; step++) {
        session.lazyResetGrad();
        session.trainStep(inputs.tensors());
        session.optimizerStep();
        for (int i = 0; i < 2; i++) {
          average[i] += 0.25 * (p[i] - average[i]);
        }
        p = session.parameters().get("p");
        assertArrayEquals(average, doubles(session.parameters().get("p.average")), 1e-6, "step " + step);
      }
      session.trainStep(inputs.put("rate", new float[] {0}).tensors());
      assertArrayEquals(average, doubles(session.parameters().get("p.average")), 1e-6, "rate 0");
    }
  }

  @Test
  void evaluatesWithTheParametersAsTheyAre() throws IOException {
    GraphText network = network();
    GraphText eval = new GraphText().input("factor", 1);
    network.parameters.forEach(p -> eval.parameter(p.name(), p.trainable(), p.values(), p.shape()));
    eval.node("scaled = Mul(w2, factor)").output("scaled", HIDDEN, 1);
    TrainingArtifacts artifacts = TrainingArtifacts.write(
        temp.resolve("eval"), network.training(), Optional.of(eval.model()), network.parameters, ADAM);
    try (TrainingSession session = TrainingSession.open(artifacts, TestDevice.compute());
        StepInputs inputs = new StepInputs().put("factor", new float[] {2}, 1)) {
      train(session, 0, 3, new ArrayList<>());
      float[] w2 = session.parameters().get("w2");
      float[] scaled = session.evalStep(inputs.tensors()).floats("scaled");
      for (int i = 0; i < HIDDEN; i++) {
        assertEquals(2 * w2[i], scaled[i]);
      }
    }
  }

  @Test
  void wrongInputsAreNamed() throws IOException {
    try (TrainingSession session = open(network(), ADAM);
        StepInputs inputs = new StepInputs().put("x", new float[BATCH * IN], BATCH, IN)) {
      assertEquals("The inputs are [x], the model takes [x, t].",
          assertThrows(IllegalArgumentException.class, () -> session.trainStep(inputs.tensors())).getMessage());
      inputs.put("t", new float[3], 3, 1);
      String message = assertThrows(TrainingException.class, () -> session.trainStep(inputs.tensors())).getMessage();
      assertTrue(message.contains("t") && message.contains("Expected: " + BATCH), message);
      assertThrows(TrainingException.class, () -> session.number("never set"));
      assertThrows(TrainingException.class, () -> session.evalStep(Map.<String, OnnxTensor>of()));
    }
  }

  @Test
  void aGradientOfAnotherShapeIsRefusedWhenTheSessionOpens() throws IOException {
    GraphText graph = new GraphText().input("x", 4)
        .parameter("p", true, new float[] {1, 2}, 2)
        .node("g = Identity(x)").gradient("p", "g")
        .node("y = Identity(p)").output("y", 2);
    TrainingException e = assertThrows(TrainingException.class, () -> open(graph, ADAM).close());
    assertTrue(e.getMessage().contains("Inferred=4 Declared=2"), e.getMessage());
  }

  @Test
  void modelsAndParametersMustFitTogether() {
    GraphText network = network();
    ModelProto training = network.training();
    refused("lacks the parameters [extra]", training, Optional.empty(),
        with(network.parameters, new Parameter("extra", new long[0], new float[1], false)));
    refused("There are two parameters with the name w1", training, Optional.empty(),
        with(network.parameters, network.parameters.get(0)));
    refused("trainable, but not both: [frozen]", training, Optional.empty(), network.parameters.stream()
        .map(p -> new Parameter(p.name(), p.shape(), p.values(), true)).toList());
    refused("No parameter is trainable", training, Optional.empty(), network.parameters.stream()
        .map(p -> new Parameter(p.name(), p.shape(), p.values(), false)).toList());
    refused("another type or shape than float32 [1, 15]", training, Optional.empty(), network.parameters.stream()
        .map(p -> p.name().equals("w1") ? new Parameter("w1", new long[] {1, 15}, p.values(), true) : p).toList());
    GraphText reversed = new GraphText();
    for (int i = network.parameters.size() - 1; i >= 0; i--) {
      Parameter p = network.parameters.get(i);
      reversed.parameter(p.name(), p.trainable(), p.values(), p.shape());
    }
    refused("in another order", training, Optional.of(reversed.model()), network.parameters);
  }

  private void refused(String reason, ModelProto training, Optional<ModelProto> eval, List<Parameter> parameters) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
        () -> TrainingArtifacts.write(temp.resolve("refused"), training, eval, parameters, ADAM));
    assertTrue(e.getMessage().contains(reason), e.getMessage());
  }

  private static List<Parameter> with(List<Parameter> parameters, Parameter another) {
    List<Parameter> all = new ArrayList<>(parameters);
    all.add(another);
    return all;
  }

  /** tanh(x·w1 + b1)·w2 with the mean squared error to t, and its gradients. */
  private static GraphText network() {
    return new GraphText().input("x", BATCH, IN).input("t", BATCH, 1)
        .parameter("w1", true, random(1, IN * HIDDEN), IN, HIDDEN)
        .parameter("b1", true, random(2, HIDDEN), HIDDEN)
        .parameter("w2", true, random(3, HIDDEN), HIDDEN, 1)
        .parameter("frozen", false, new float[] {1})
        .constant("one", 1).constant("factor", 2f / BATCH)
        .node("xw = MatMul(x, w1)")
        .node("a = Add(xw, b1)")
        .node("h = Tanh(a)")
        .node("hw = MatMul(h, w2)")
        .node("y = Mul(hw, frozen)")
        .node("e = Sub(y, t)")
        .node("e2 = Mul(e, e)")
        .node("loss = ReduceMean(e2)", GraphText.integer("keepdims", 0)).output("loss")
        .node("dy = Mul(e, factor)")
        .node("ht = Transpose(h)")
        .node("dw2 = MatMul(ht, dy)").gradient("w2", "dw2")
        .node("w2t = Transpose(w2)")
        .node("dh = MatMul(dy, w2t)")
        .node("h2 = Mul(h, h)")
        .node("slope = Sub(one, h2)")
        .node("da = Mul(dh, slope)")
        .node("ones = Constant()", GraphText.floats("value", ones(BATCH), 1, BATCH))
        .node("db1_row = MatMul(ones, da)")
        .node("b1_shape = Shape(b1)")
        .node("db1 = Reshape(db1_row, b1_shape)").gradient("b1", "db1")
        .node("xt = Transpose(x)")
        .node("dw1 = MatMul(xt, da)").gradient("w1", "dw1");
  }

  private static double referenceStep(Map<String, double[]> parameters, AdamReference adam, float[] x, float[] t) {
    double[] loss = new double[1];
    adam.step(parameters, gradients(parameters, x, t, loss));
    return loss[0];
  }

  private static Map<String, double[]> gradients(Map<String, double[]> p, float[] x, float[] t, double[] loss) {
    double[] w1 = p.get("w1");
    double[] b1 = p.get("b1");
    double[] w2 = p.get("w2");
    Map<String, double[]> gradients = new LinkedHashMap<>();
    double[] dw1 = gradients.computeIfAbsent("w1", key -> new double[IN * HIDDEN]);
    double[] db1 = gradients.computeIfAbsent("b1", key -> new double[HIDDEN]);
    double[] dw2 = gradients.computeIfAbsent("w2", key -> new double[HIDDEN]);
    for (int n = 0; n < BATCH; n++) {
      double[] h = new double[HIDDEN];
      double y = 0;
      for (int j = 0; j < HIDDEN; j++) {
        double a = b1[j];
        for (int i = 0; i < IN; i++) {
          a += x[n * IN + i] * w1[i * HIDDEN + j];
        }
        h[j] = Math.tanh(a);
        y += h[j] * w2[j];
      }
      double e = y - t[n];
      loss[0] += e * e / BATCH;
      for (int j = 0; j < HIDDEN; j++) {
        dw2[j] += 2 * e / BATCH * h[j];
        double da = 2 * e / BATCH * w2[j] * (1 - h[j] * h[j]);
        db1[j] += da;
        for (int i = 0; i < IN; i++) {
          dw1[i * HIDDEN + j] += da * x[n * IN + i];
        }
      }
    }
    return gradients;
  }

  private static void train(TrainingSession session, int from, int to, List<Float> losses) {
    for (int step = from; step < to; step++) {
      losses.add(iterate(session, random(100 + step, BATCH * IN), random(200 + step, BATCH)));
    }
  }

  private static float iterate(TrainingSession session, float[] x, float[] t) {
    try (StepInputs inputs = new StepInputs().put("t", t, BATCH, 1).put("x", x, BATCH, IN)) {
      session.lazyResetGrad();
      float loss = session.trainStep(inputs.tensors()).scalar("loss");
      session.optimizerStep();
      return loss;
    }
  }

  private float[] firstMoment(TrainingSession session, String parameter) throws IOException {
    Path file = temp.resolve("moments");
    session.saveCheckpoint(file);
    return Checkpoint.read(file).optimizer().orElseThrow().moments().get(parameter).first();
  }

  private TrainingSession open(GraphText graph, AdamOptions options) throws IOException {
    return TrainingSession.open(write(graph, options), TestDevice.compute());
  }

  private TrainingArtifacts write(GraphText graph, AdamOptions options) throws IOException {
    Path directory = Files.createTempDirectory(temp, "artifacts");
    return TrainingArtifacts.write(directory, graph.training(), Optional.empty(), graph.parameters, options);
  }

  private static float[] random(long seed, int size) {
    Random random = new Random(seed);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static float[] ones(int size) {
    float[] values = new float[size];
    Arrays.fill(values, 1);
    return values;
  }

  private static double[] doubles(float[] values) {
    double[] doubles = new double[values.length];
    Arrays.setAll(doubles, i -> values[i]);
    return doubles;
  }
}
