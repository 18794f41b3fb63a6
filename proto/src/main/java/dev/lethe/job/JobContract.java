package dev.lethe.job;

import java.util.Locale;

/**
 * What {@code worker.proto} and {@code unlearning.proto} say of a job's folder and of what its fields are by default:
 * server, worker and the comments there are held against this class.
 */
public final class JobContract {

  // The folder.

  /** The {@code WorkerJob}, in Protobuf's JSON mapping. */
  public static final String JOB = "job.json";
  /** Folder of images to unlearn. */
  public static final String UNLEARN = "unlearn";
  /** Folder of learning images. */
  public static final String LEARN = "learn";
  /** Ends the name of a file that is encrypted. */
  public static final String SEALED = ".sealed";
  /** The worker's own, to resume. */
  public static final String CHECKPOINT = "checkpoint";
  /** The bundle that the worker exports. */
  public static final String CANDIDATE = "candidate";
  public static final String REPORT = "report.json";
  /** The pictures of the report. */
  public static final String PICTURES = "before_after.png";
  /** The worker's standard error. */
  public static final String LOG = "worker.log";
  /** Of a projection: its latents, its picture, and that beside the image. */
  public static final String LATENTS = "latents.npz";
  public static final String PROJECTION = "projection.png";
  public static final String SIDE_BY_SIDE = "side_by_side.png";
  /** The environment's variable that holds the key of what is encrypted, in hexadecimal digits. */
  public static final String KEY_VARIABLE = "LETHE_WORKER_KEY";

  // Fields of UnlearnSpec.

  /** Of recipe PAPER. */
  public static final double FAKE_LABEL = -1;
  public static final int STEPS = 600;
  public static final int PAPER_ITERATIONS = 100;
  public static final int LARGEST_ITERATIONS = 100_000;
  public static final int BATCH = 32;
  /** Of kind CLASS. */
  public static final int CLASS_BATCH = 48;
  public static final int BATCH_STEP = 4;
  public static final int LARGEST_BATCH = 256;
  public static final double LEARNING_RATE = 0.014;
  public static final double PAPER_LEARNING_RATE = 0.002;
  public static final double LARGEST_LEARNING_RATE = 0.1;
  public static final double LAMBDA1 = 1;
  public static final double LAMBDA2 = 0.1;
  public static final double MOVING_WEIGHT = 0.6;
  public static final double LARGEST_MOVING_WEIGHT = 100;

  // Fields of Gates.

  public static final double MIN_REDACTED_OWN = 0.95;
  public static final double MIN_REDACTED_FRESH = 0.9;
  public static final double MAX_COLLATERAL = 0.25;
  public static final double MAX_FID_ROOT_INCREASE = 0.15;
  public static final double MAX_MEMBERSHIP = 0.1;
  public static final double MAX_RECOGNISED = 0.01;

  /** Of fewer images no audit can judge whether they are deleted: an AUC of 1 is chance. */
  public static final int FEWEST_JUDGED = 3;

  // Fields of ProjectRequest.

  public static final int PROJECTION_STEPS = 200;
  public static final int MOST_PROJECTION_STEPS = 10_000;

  private JobContract() {}

  /**
   * An image's file, not encrypted: its name for additional data too.
   *
   * @param folder {@link #UNLEARN} or {@link #LEARN}
   * @param index from 0
   */
  public static String image(String folder, int index) {
    return String.format(Locale.ROOT, "%s/%04d.png", folder, index);
  }
}
