/**
 * Models and their versions: which there are on disk, which is active, which are in memory, and the switch between
 * them.
 */
package dev.lethe.server.registry;
