package dev.lethe.server.http;

import dev.lethe.server.rpc.Connections;

/**
 * How much clients may ask for.
 *
 * @param messageBytes of one message from a client, inflated
 * @param arrivingBytes of all messages that are coming in at once, of all clients
 * @param images in one answer of {@code Generate} or {@code ModelInfer}
 * @param streamImages in one call of {@code GenerateStream}
 * @param connections open at once
 * @param times how long connections are kept that nobody uses
 * @param streams calls open at once on one connection
 */
public record Limits(int messageBytes, long arrivingBytes, int images, int streamImages, int connections,
    Connections.Times times, int streams) {}
