/** Settings from flags, environment and a file, in that order, with every mistake told at once. */
package dev.lethe.server.config;
