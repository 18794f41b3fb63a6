package dev.lethe.bench.targets;

/**
 * A target that has as much to do as it can.
 *
 * @param imagesPerSecond what it does
 * @param cpuSeconds processor time for an image, in seconds
 * @param bytes of an answer
 */
public record Saturation(double imagesPerSecond, double cpuSeconds, double bytes) {}
