/** The Java client: calls of a server, and uploads. */
package dev.lethe.client;
