/** Spans of calls, by OpenTelemetry. */
package dev.lethe.server.tracing;
