package dev.lethe.client.cli;

import dev.lethe.client.LetheClient;
import dev.lethe.client.LetheException;
import dev.lethe.client.Retry;
import dev.lethe.client.console.CommandLines;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options by which every command finds the server. */
final class ServerOptions {

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  /**
   * What gRPC logs of connections that fail is said by the command, in a line, and with -v in a trace. Held here, and only
   * where there is a connection, since making ready for logs is a fifth of the time that a command takes to start.
   */
  private static final class Transport {
    static final Logger LOG = Logger.getLogger("io.grpc");
  }

  @Option(names = {"-s", "--server"}, paramLabel = "HOST:PORT", defaultValue = "${env:LETHE_SERVER:-localhost:8080}",
      description = "The server: HOST:PORT, HOST (port 8080), or a URL, http:// without TLS (port 80), https:// with it (port"
          + " 443). Default: the environment's LETHE_SERVER, or localhost:8080.")
  private String server;

  @Option(names = "--timeout", paramLabel = "SECONDS",
      description = "Give up on a call with one answer after this long. Default: never.")
  private Integer timeoutSeconds;

  @Option(names = "--tls", description = "Speak TLS, and trust the authorities that Java trusts. Default: no TLS.")
  private boolean tls;

  @Option(names = "--tls-ca", paramLabel = "FILE", defaultValue = "${env:LETHE_TLS_CA}",
      description = "Speak TLS, and trust the authorities of this PEM file alone; default: the environment's"
          + " LETHE_TLS_CA.")
  private Path authority;

  @Option(names = "--cert", paramLabel = "FILE", defaultValue = "${env:LETHE_CERT}",
      description = "Certificate to show the server (mutual TLS), in PEM; default: the environment's LETHE_CERT.")
  private Path certificate;

  @Option(names = "--key", paramLabel = "FILE", defaultValue = "${env:LETHE_KEY}",
      description = "The certificate's private key, in PEM (PKCS #8); default: the environment's LETHE_KEY.")
  private Path key;

  @Option(names = "--token", paramLabel = "TOKEN", defaultValue = "${env:LETHE_TOKEN}",
      description = "Bearer token. Other users of this machine can read it on a command line, so better the default:"
          + " the environment's LETHE_TOKEN.")
  private String token;

  @Option(names = {"-q", "--quiet"}, description = "Print results and errors alone: no progress. Default: progress.")
  private boolean quiet;

  @Option(names = {CommandLines.VERBOSE, "--verbose"}, description = "Print where in the program an error arose."
      + " Default: what is wrong alone.")
  private boolean verbose;

  boolean isQuiet() {
    return quiet;
  }

  /**
   * For commands whose one call has many answers, which no timeout ends.
   *
   * @param instead what there is
   */
  void refuseTimeout(String instead) {
    if (timeoutSeconds != null) {
      throw new ParameterException(command.commandLine(),
          "--timeout is about calls with one answer, and this is none; " + instead);
    }
  }

  /** Of calls with one answer, unless the user said how long they may take. */
  void limit(int seconds) {
    if (timeoutSeconds == null) {
      timeoutSeconds = seconds;
    }
  }

  LetheClient connect() {
    Transport.LOG.setLevel(Level.OFF);
    if (timeoutSeconds != null && timeoutSeconds < 1) {
      throw new ParameterException(command.commandLine(), "--timeout " + timeoutSeconds + " must be at least 1");
    }
    authority = orNone(authority);
    certificate = orNone(certificate);
    key = orNone(key);
    if ((certificate == null) != (key == null)) {
      throw new ParameterException(command.commandLine(), "--cert and --key go together");
    }
    LetheClient.Builder client = LetheClient.builder().retry(Retry.USUAL);
    try {
      client.address(server.isBlank() ? "localhost" : server);
    } catch (LetheException e) {
      throw new ParameterException(command.commandLine(), "--server " + server + ": " + e.getCause().getMessage(), e);
    }
    if (timeoutSeconds != null) {
      client.timeout(Duration.ofSeconds(timeoutSeconds));
    }
    if (tls) {
      client.tls();
    }
    if (authority != null) {
      client.tls(authority);
    }
    if (certificate != null) {
      client.certificate(certificate, key);
    }
    if (token != null && !token.isBlank()) {
      client.token(token.strip());
    }
    return build(client);
  }

  /** A variable of the environment that is set to nothing is not set. */
  private static Path orNone(Path given) {
    return given == null || given.toString().isEmpty() ? null : given;
  }

  private LetheClient build(LetheClient.Builder client) {
    try {
      return client.build();
    } catch (LetheException e) {
      if (e.getCause() instanceof IOException file) {
        throw new UncheckedIOException(file);
      }
      throw new ParameterException(command.commandLine(), "--server " + server + " is without TLS, and "
          + (tls ? "--tls" : authority != null ? "--tls-ca " + authority : "--cert " + certificate)
          + " asks for it; write https://", e);
    }
  }
}
