/** Who calls, what they may do and how fast: TLS, tokens, roles, rates. */
package dev.lethe.server.security;
