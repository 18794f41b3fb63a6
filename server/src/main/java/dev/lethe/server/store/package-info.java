/**
 * The database of a server: where it lies, its schema, and transactions. Each package that keeps something has tables
 * of its own in the migrations, and its own SQL; this one knows none of them.
 */
@NullMarked
package dev.lethe.server.store;

import org.jspecify.annotations.NullMarked;
