package dev.lethe.trainer.session;

import java.util.Arrays;
import java.util.Locale;

/** The learners that there are. They give the same, and read each other's checkpoints. */
public enum LearnerKind {
  /** ONNX Runtime's training session. Needs a library that is built with training. */
  ORT,
  /** An ordinary session, with Adam in its graph, of standard operators alone. */
  SESSION;

  /** System property that says which one is used where nobody asks for one. */
  public static final String PROPERTY = "lethe.learner";

  /**
   * The one of the system property; without it, {@link #ORT}.
   *
   * @throws IllegalArgumentException if there is none of that name, naming those that there are
   */
  public static LearnerKind usual() {
    String name = System.getProperty(PROPERTY, ORT.toString());
    return Arrays.stream(values()).filter(kind -> kind.toString().equals(name)).findFirst()
        .orElseThrow(() -> new IllegalArgumentException(PROPERTY + " is \"" + name + "\"; it must be one of "
            + Arrays.toString(values())));
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
