/** The one port: connections, gRPC and HTTP on it, and their limits. */
@NullMarked
package dev.lethe.server.http;

import org.jspecify.annotations.NullMarked;
