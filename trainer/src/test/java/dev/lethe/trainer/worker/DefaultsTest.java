package dev.lethe.trainer.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.trainer.audit.Verdict;
import dev.lethe.trainer.cascade.CascadeOptions;
import dev.lethe.trainer.redaction.RedactionOptions;
import dev.lethe.trainer.substitution.NearestSubstitute;
import dev.lethe.v1.Gates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the protocol promises is what was found by trial here. */
class DefaultsTest {

  private static String proto;

  @BeforeAll
  static void read() throws IOException {
    Path modules = Path.of("").toAbsolutePath().getParent();
    proto = Files.readString(modules.resolve("proto/src/main/proto/lethe/v1/unlearning.proto"))
        .replaceAll("\\s*\\n\\s*//\\s*", " ");
  }

  @Test
  void theProtocolPromisesThem() {
    promised("iterations", "Default " + RedactionOptions.ITEMS.steps() + "; of recipe PAPER its iterations, default "
        + CascadeOptions.DEFAULT.iterations() + ".");
    promised("batch", "Default " + RedactionOptions.ITEMS.moving());
    promised("learning_rate", "Default " + number(RedactionOptions.ITEMS.learningRate()) + "; of recipe PAPER "
        + number(CascadeOptions.DEFAULT.learningRate()) + ".");
    promised("moving_weight", "Default " + number(RedactionOptions.ITEMS.movingWeight()) + ";");
    promised("lambda1", "Default " + number(CascadeOptions.DEFAULT.lambda1()) + ".");
    promised("lambda2", "Default " + number(CascadeOptions.DEFAULT.lambda2()) + ".");
    Verdict.Bounds bounds = Verdict.Bounds.DEFAULT;
    promised("min_redacted_own", "Defaults " + number(bounds.own()) + " and " + number(bounds.fresh()) + ".");
    promised("max_collateral", "Default " + number(bounds.collateral()) + ".");
    promised("max_fid_root_increase", "Default " + number(bounds.fidIncrease()) + ".");
    promised("max_membership", "Default " + number(bounds.membership()) + ".");
    promised("max_recognised", "Default " + number(bounds.recognised()) + ".");
    assertTrue(proto.contains(number(NearestSubstitute.FACTOR) + " times as far from the image"));
  }

  /** The comment before a field, which ends with the semicolon of the one before. */
  private static void promised(String field, String text) {
    Matcher found = Pattern.compile("(//|;|\\{)([^\\n]*)\\n\\s*optional \\w+ " + field + " = ").matcher(proto);
    assertTrue(found.find(), field + " is no field, or has no comment");
    assertTrue(found.group(2).contains(text), field + ": \"" + text + "\" is not in \"" + found.group(2) + "\"");
  }

  private static String number(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }

  @Test
  void aRequestMakesTheVerdictStricterAndNeverLooser() {
    Verdict.Bounds usual = Verdict.Bounds.DEFAULT;
    assertEquals(usual, Requests.bounds(Gates.getDefaultInstance()));
    assertEquals(usual, Requests.bounds(Gates.newBuilder().setMinRedactedOwn(0).setMinRedactedFresh(0)
        .setMaxCollateral(10).setMaxRecognised(1).setMaxMembership(1).setMaxFidRootIncrease(100).build()));
    assertEquals(new Verdict.Bounds(1, 0.99, 0.1, 0, 0.05, 0), Requests.bounds(Gates.newBuilder().setMinRedactedOwn(1)
        .setMinRedactedFresh(0.99).setMaxCollateral(0.1).setMaxRecognised(0).setMaxMembership(0.05)
        .setMaxFidRootIncrease(0).build()));
  }
}
