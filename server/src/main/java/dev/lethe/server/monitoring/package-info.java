/** Metrics, for Prometheus. */
@NullMarked
package dev.lethe.server.monitoring;

import org.jspecify.annotations.NullMarked;
