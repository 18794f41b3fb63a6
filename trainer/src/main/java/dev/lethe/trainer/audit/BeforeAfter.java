package dev.lethe.trainer.audit;

/** A figure of the original and of the candidate. */
public record BeforeAfter<T>(T before, T after) {}
