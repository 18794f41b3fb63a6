package dev.lethe.server.http;

/**
 * How much clients may ask for.
 *
 * @param messageBytes of one message from a client, inflated
 * @param images in one answer of {@code Generate} or {@code ModelInfer}
 * @param streamImages in one call of {@code GenerateStream}
 * @param connections open at once
 * @param streams calls open at once on one connection
 */
public record Limits(int messageBytes, int images, int streamImages, int connections, int streams) {}
