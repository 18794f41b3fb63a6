/**
 * The event log: who ordered what, what became of it, and the lives of versions, in a chain of hashes in the database,
 * in which no line can be changed, moved, added or dropped from between others unseen.
 */
@NullMarked
package dev.lethe.server.events;

import org.jspecify.annotations.NullMarked;
