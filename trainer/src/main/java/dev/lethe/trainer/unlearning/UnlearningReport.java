package dev.lethe.trainer.unlearning;

import dev.lethe.trainer.audit.BeforeAfter;
import dev.lethe.trainer.audit.ClassFindings;
import dev.lethe.trainer.audit.ItemFindings;
import dev.lethe.trainer.audit.Verdict;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a job found.
 *
 * @param images that were unlearned; of a class, those that the discriminator unlearned
 * @param fakeLabel F, the mean over images; empty of a model without a discriminator
 * @param seconds of inversion, substitutes and recipe: what replaces retraining
 * @param retrainSeconds see {@link RetrainingCost}; empty when the card does not say how the base was trained
 * @param items audit of single images
 * @param classes audit of whole classes of a conditional model
 * @param fidRoot Fréchet distances of the root's samples and of the candidate's; empty where no real images stay
 * @param diverged the run diverged, and an earlier state was kept
 * @param skipped indices of images of the request that were left out
 * @param notes what else is worth knowing, in sentences
 */
public record UnlearningReport(int images, OptionalDouble fakeLabel, int iterations, double seconds,
    double auditSeconds,
    OptionalDouble retrainSeconds, Measured before, Measured after, Optional<ItemFindings> items,
    Optional<ClassFindings> classes, Optional<BeforeAfter<Double>> fidRoot, Optional<Verdict> verdict,
    boolean diverged, List<Integer> skipped, List<String> notes) {}
