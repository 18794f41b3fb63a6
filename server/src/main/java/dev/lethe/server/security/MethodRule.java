package dev.lethe.server.security;

import static dev.lethe.server.security.Role.GENERATE;
import static dev.lethe.server.security.Role.OPERATE;
import static dev.lethe.server.security.Role.UNLEARN;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Who may call a method. A method without a rule is not served: a server that has one does not start.
 *
 * @param open to everyone, known or not
 * @param roles any one of these is needed; if there are none, everyone who is known may call
 * @param audited whether each call leaves a line in the audit log
 */
public record MethodRule(boolean open, Set<Role> roles, boolean audited) {

  /** The name under which {@code GET /metrics} is looked up. */
  public static final String METRICS = "/metrics";
  /** The method of server reflection. */
  public static final String REFLECTION = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

  private static final Map<String, MethodRule> RULES = new HashMap<>();

  static {
    MethodRule open = new MethodRule(true, Set.of(), false);
    MethodRule known = new MethodRule(false, Set.of(), false);
    MethodRule generate = new MethodRule(false, Set.of(GENERATE), false);
    MethodRule follow = new MethodRule(false, Set.of(UNLEARN, OPERATE), false);

    rule("grpc.health.v1.Health", open, "Check", "Watch");
    RULES.put(REFLECTION, known);
    RULES.put(METRICS, known);

    rule("inference.GRPCInferenceService", open, "ServerLive", "ServerReady");
    rule("inference.GRPCInferenceService", known, "ModelReady", "ServerMetadata", "ModelMetadata", "ModelConfig",
        "ModelStatistics", "RepositoryIndex");
    rule("inference.GRPCInferenceService", generate, "ModelInfer", "ModelStreamInfer");
    rule("inference.GRPCInferenceService", new MethodRule(false, Set.of(OPERATE), true), "RepositoryModelLoad",
        "RepositoryModelUnload");

    rule("lethe.v1.GenerationService", generate, "Generate", "GenerateStream");
    rule("lethe.v1.UnlearningService", new MethodRule(false, Set.of(UNLEARN), true), "Submit");
    rule("lethe.v1.UnlearningService", follow, "Watch", "GetJob", "ListJobs", "GetReport");
    rule("lethe.v1.UnlearningService", new MethodRule(false, Set.of(UNLEARN, OPERATE), true), "CancelJob",
        "RetryJob");
    rule("lethe.v1.UnlearningService", new MethodRule(false, Set.of(OPERATE), true), "ApproveJob", "RejectJob",
        "DeleteJob");
    rule("lethe.v1.InspectionService", new MethodRule(false, Set.of(UNLEARN), true), "Inspect", "Project");
    rule("lethe.v1.ModelService", known, "ListModels", "ListVersions", "GetCard", "GetActiveVersion");
    rule("lethe.v1.ModelService", new MethodRule(false, Set.of(OPERATE), true), "Activate", "Retire", "Purge");
    rule("lethe.v1.ModelService", new MethodRule(false, Set.of(UNLEARN, OPERATE), true), "GetErasureCertificate");
  }

  public MethodRule {
    roles = Set.copyOf(roles);
  }

  private static void rule(String service, MethodRule rule, String... methods) {
    List.of(methods).forEach(method -> RULES.put(service + "/" + method, rule));
  }

  /** @param method {@code package.Service/Method} */
  public static Optional<MethodRule> of(String method) {
    return Optional.ofNullable(RULES.get(method));
  }
}
