package dev.lethe.server.rpc;

import io.grpc.Status.Code;
import java.util.Map;

/**
 * A call that is over.
 *
 * @param id its request id
 * @param method {@code package.Service/Method}
 * @param principal who called, served or refused; empty if that did not become known
 * @param remote the client's address
 * @param code what the client was told; {@link Code#CANCELLED} if it had gone
 * @param message what the client was told beside the code; empty for nothing
 * @param seconds how long it took
 * @param subject what it was about, by name: model, job, version
 */
public record EndedCall(String id, String method, String principal, String remote, Code code, String message,
    double seconds, Map<String, String> subject) {}
