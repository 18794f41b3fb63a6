/** Load on a server: closed loops, which ask again when answered, and open ones, which ask at a rate. */
package dev.lethe.bench.load;
