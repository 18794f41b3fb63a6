/** Why a request is not served, in the server's own terms: what a protocol makes of it, {@code rpc} alone knows. */
@NullMarked
package dev.lethe.server.errors;

import org.jspecify.annotations.NullMarked;
