package dev.lethe.trainer.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lethe.job.JobContract;
import dev.lethe.trainer.audit.Verdict;
import dev.lethe.trainer.cascade.CascadeOptions;
import dev.lethe.trainer.redaction.RedactionOptions;
import org.junit.jupiter.api.Test;

/** What a worker is told by default is what its own options are made for. */
class JobContractTest {

  @Test
  void redactionIsAsTheContractHasIt() {
    assertEquals(JobContract.BATCH, RedactionOptions.ITEMS.moving());
    assertEquals(JobContract.CLASS_BATCH, RedactionOptions.CLASSES.moving());
    for (RedactionOptions usual : new RedactionOptions[] {RedactionOptions.ITEMS, RedactionOptions.CLASSES}) {
      assertEquals(JobContract.STEPS, usual.steps());
      assertEquals(JobContract.LEARNING_RATE, usual.learningRate());
      assertEquals(JobContract.MOVING_WEIGHT, usual.movingWeight());
    }
  }

  @Test
  void thePapersRecipeIsAsTheContractHasIt() {
    assertEquals(JobContract.PAPER_ITERATIONS, CascadeOptions.DEFAULT.iterations());
    assertEquals(JobContract.BATCH, CascadeOptions.DEFAULT.batch());
    assertEquals(JobContract.PAPER_LEARNING_RATE, CascadeOptions.DEFAULT.learningRate());
    assertEquals(JobContract.LAMBDA1, CascadeOptions.DEFAULT.lambda1());
    assertEquals(JobContract.LAMBDA2, CascadeOptions.DEFAULT.lambda2());
  }

  @Test
  void boundsOfTheVerdictAreAsTheContractHasThem() {
    assertEquals(new Verdict.Bounds(JobContract.MIN_REDACTED_OWN, JobContract.MIN_REDACTED_FRESH,
        JobContract.MAX_COLLATERAL, JobContract.MAX_RECOGNISED, JobContract.MAX_MEMBERSHIP,
        JobContract.MAX_FID_ROOT_INCREASE), Verdict.Bounds.DEFAULT);
  }
}
