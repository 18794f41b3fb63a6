/**
 * What becomes of versions: candidate, active, retired, purged. Decides, from what was written down, which erasures a
 * version lacks and holds; knows files and signatures, and nothing of sessions or calls.
 */
@NullMarked
package dev.lethe.server.lifecycle;

import org.jspecify.annotations.NullMarked;
