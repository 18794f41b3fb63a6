package dev.lethe.client.cli;

import dev.lethe.client.LetheClient;
import java.time.Duration;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options by which every command finds the server. */
final class ServerOptions {

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(names = {"-s", "--server"}, paramLabel = "HOST:PORT", defaultValue = "${env:LETHE_SERVER:-localhost:8080}",
      description = "The server; default: the environment's LETHE_SERVER, or localhost:8080.")
  private String server;

  @Option(names = "--timeout", paramLabel = "SECONDS",
      description = "Give up on a call with one answer after this long. Default: never.")
  private Integer timeoutSeconds;

  LetheClient connect() {
    int colon = server.lastIndexOf(':');
    int port;
    try {
      port = Integer.parseInt(server.substring(colon + 1));
    } catch (NumberFormatException e) {
      port = -1;
    }
    if (colon < 1 || port < 1 || port > 65535) {
      throw new ParameterException(command.commandLine(),
          "--server " + server + " is no HOST:PORT, for example localhost:8080");
    }
    if (timeoutSeconds != null && timeoutSeconds < 1) {
      throw new ParameterException(command.commandLine(), "--timeout " + timeoutSeconds + " must be at least 1");
    }
    LetheClient.Builder client = LetheClient.builder().host(server.substring(0, colon)).port(port);
    if (timeoutSeconds != null) {
      client.timeout(Duration.ofSeconds(timeoutSeconds));
    }
    return client.build();
  }
}
