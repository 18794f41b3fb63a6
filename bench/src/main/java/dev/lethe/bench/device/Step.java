package dev.lethe.bench.device;

/** What is measured, the most valuable first. */
enum Step {
  AGREEMENT(90, "Images agree with the processor's", "Largest and mean squared differences, both relative to the "
      + "processor's images in float32: `largest` to their largest value, `rms` to their root mean square.",
      new Agreement()),
  CEILING(60, "A large matrix product", "What the device reaches at best here: a chain of products of square matrices "
      + "in one session of ONNX Runtime, which stays in the device's memory.", new ProductCeiling()),
  SYNTHESIS(100, "Synthesis",
      "Random weights of the reference's widths. `ms` is a run whose images stay on the device, "
      + "`with images` one that also brings them into Java's memory. FLOPs are those of the convolutions and matrix "
      + "products.", new SynthesisThroughput(false)),
  LARGE_SYNTHESIS(110, "Synthesis, large", "As above.", new SynthesisThroughput(true)),
  TRAINING(110, "Adversarial training, 32×32", "A step of the discriminator and one of the generator, networks of the "
      + "shipped MNIST model's sizes, R1 each 16 steps. `difference` is the largest relative one between the first "
      + "step's "
      + "losses and those of the processor.", new TrainingThroughput(false)),
  LARGE_TRAINING(120, "Adversarial training, 256×256", "As above.", new TrainingThroughput(true)),
  SERVING(100, "Served over gRPC", "`lethe serve` on this machine, float32 tensors and PNG files, one image a call.",
      new ServedThroughput()),
  PROFILE(60, "Where the time goes", "Operators of three runs by ONNX Runtime's profile, the longest first.",
      new OperatorProfile()),
  DEMO(300, "The demo", "`lethe demo`, the verdict its own.", new DemoRun());

  /** Takes one measurement, in a process that does nothing else. */
  interface Measurement {
    /** Tells each row as soon as it is there: the process may be ended at any time. */
    void run(Setting setting) throws Exception;
  }

  private final int seconds;
  private final String title;
  private final String explanation;
  private final Measurement measurement;

  Step(int seconds, String title, String explanation, Measurement measurement) {
    this.seconds = seconds;
    this.title = title;
    this.explanation = explanation;
    this.measurement = measurement;
  }

  /** Most seconds that it may take. */
  int seconds() {
    return seconds;
  }

  String title() {
    return title;
  }

  String explanation() {
    return explanation;
  }

  Measurement measurement() {
    return measurement;
  }
}
