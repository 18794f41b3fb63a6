/**
 * The same services by HTTP and JSON: our own as {@code google.api.http} rules say, and the Open Inference Protocol in
 * its HTTP form. A request becomes a call of the same method that gRPC's become, so who may call, limits and the audit
 * log are the same.
 */
@NullMarked
package dev.lethe.server.rest;

import org.jspecify.annotations.NullMarked;
