/** The command line that asks a server: generate, unlearn, jobs, models. */
package dev.lethe.client.cli;
