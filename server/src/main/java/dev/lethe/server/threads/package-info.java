/** Threads: which of them give way to calls, and which never do. */
package dev.lethe.server.threads;
