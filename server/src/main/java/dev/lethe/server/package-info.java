/** The server as a program: settings, and the parts put together, started and stopped in order. */
package dev.lethe.server;
