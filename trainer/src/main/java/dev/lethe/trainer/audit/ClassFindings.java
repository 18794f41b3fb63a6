package dev.lethe.trainer.audit;

import java.util.Optional;

/**
 * What an audit of whole classes found: shares of pictures that a classifier takes for an erased class.
 *
 * @param label what the networks make of the erased labels
 * @param former what the synthesis network makes of the w that the original's mapping network gives these labels: a
 *     client that kept such a w can still ask for it
 * @param around what it makes of w drawn from the normal distribution of those
 * @param reinverted what it makes of w that an attack finds for real images of the classes; absent without such images
 * @param kept share of what the labels that stay lead to that is taken for them
 */
public record ClassFindings(BeforeAfter<Estimate> label, BeforeAfter<Estimate> former, BeforeAfter<Estimate> around,
    Optional<BeforeAfter<Estimate>> reinverted, BeforeAfter<Estimate> kept, double seconds) {}
