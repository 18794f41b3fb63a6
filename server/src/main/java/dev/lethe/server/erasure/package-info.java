/**
 * What is told of an erasure: the certificate, which machines verify, and the page and the PDF, which people read.
 * Knows jobs and signatures, and nothing of how versions are served.
 */
@NullMarked
package dev.lethe.server.erasure;

import org.jspecify.annotations.NullMarked;
