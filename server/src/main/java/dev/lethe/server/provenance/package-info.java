/**
 * Signatures over versions of a model, in the form that sigstore's tools read: in-toto statements in DSSE envelopes in
 * sigstore bundles. Knows files and keys, and nothing of a server.
 */
@NullMarked
package dev.lethe.server.provenance;

import org.jspecify.annotations.NullMarked;
