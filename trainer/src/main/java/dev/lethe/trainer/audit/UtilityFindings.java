package dev.lethe.trainer.audit;

import dev.lethe.trainer.metrics.PrecisionRecall;
import java.util.Optional;

/**
 * What an audit found of the samples of the root version and of a candidate, which are drawn from the same z.
 *
 * @param fid Fréchet distances of features from those of real images that stay
 * @param coverage precision and recall of at most 5,000 samples against as many real images that stay, in the same
 *     feature space; empty of fewer than 4 images
 * @param recognised share of the samples of labels that stay that a classifier takes for their label; empty of an
 *     unconditional model, and where there is no classifier of its classes
 */
public record UtilityFindings(BeforeAfter<Double> fid, Optional<BeforeAfter<PrecisionRecall>> coverage,
    Optional<BeforeAfter<Double>> recognised) {}
