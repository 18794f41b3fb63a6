/** gRPC calls on Vert.x: admission, messages, ends; health and reflection. */
package dev.lethe.server.rpc;
