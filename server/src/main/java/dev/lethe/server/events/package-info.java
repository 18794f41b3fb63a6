/**
 * The event log: who ordered what, what became of it, and the lives of versions, in a chain of hashes in the database,
 * from which no line can be changed, dropped, moved or added unseen.
 */
@NullMarked
package dev.lethe.server.events;

import org.jspecify.annotations.NullMarked;
