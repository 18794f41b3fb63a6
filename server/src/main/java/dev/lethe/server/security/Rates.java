package dev.lethe.server.security;

/**
 * What one principal may ask for in a second, on average; bursts of one second's worth are let through.
 *
 * @param requests calls; 0: no limit
 * @param images images; 0: no limit
 */
public record Rates(double requests, double images) {

  static final Rates UNLIMITED = new Rates(0, 0);
}
