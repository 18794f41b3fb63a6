package dev.lethe.client.console;

import dev.lethe.client.LetheException;
import dev.lethe.client.tls.ServerCertificateException;
import io.grpc.Status;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** What went wrong, in a line that says what to do, by the options of the command that failed. */
final class Failures {

  /** As Java's TLS, {@code Received fatal alert: unknown_ca}, and OpenSSL's, {@code TLSV1_ALERT_UNKNOWN_CA}, have them. */
  private static final Pattern ALERT = Pattern.compile("alert[_: ]+(?:number \\d+)?([a-z_]+)", Pattern.CASE_INSENSITIVE);
  /** Alerts by which a server says that it takes no such client. */
  private static final Set<String> OF_CLIENTS = Set.of("certificate_required", "bad_certificate", "certificate_unknown",
      "unknown_ca", "certificate_expired", "certificate_revoked", "unsupported_certificate", "access_denied");

  private final CommandSpec command;

  Failures(CommandSpec command) {
    this.command = command;
  }

  String words(Exception error) {
    if (error instanceof LetheException refused) {
      return refused(refused);
    }
    Exception cause = error instanceof UncheckedIOException unchecked ? unchecked.getCause() : error;
    if (cause instanceof FileSystemException file && file.getOtherFile() == null) {
      return file(file);
    }
    if (cause instanceof IOException && cause.getMessage() != null) {
      return line(cause.getMessage());
    }
    return "this should not have happened: " + line(error.toString()) + "; with -v it says where";
  }

  private static String file(FileSystemException file) {
    if (file.getReason() != null) {
      return file.getFile() + ": " + file.getReason();
    }
    if (file instanceof NoSuchFileException) {
      return file.getFile() + ": there is no such file or folder";
    }
    if (file instanceof AccessDeniedException) {
      return file.getFile() + ": may not be read or written";
    }
    if (file instanceof FileAlreadyExistsException) {
      return file.getFile() + ": is there already, and is no folder";
    }
    // Their message is often the path alone; the class says what is wrong with it.
    return file.getFile() + ": "
        + file.getClass().getSimpleName().replaceAll("Exception$", "").replaceAll("(?<=[a-z])(?=[A-Z])", " ");
  }

  /** Failures of the connection are told by what failed, all others by the server's own words. */
  private String refused(LetheException refused) {
    if (refused.certificate().isPresent()) {
      ServerCertificateException certificate = refused.certificate().get();
      return line(certificate.getMessage()) + "; " + remedy(certificate.fault());
    }
    if (refused.code() == Status.Code.UNAVAILABLE) {
      for (Throwable cause = refused.getCause(); cause != null; cause = cause.getCause()) {
        if (cause instanceof UnknownHostException || cause instanceof UnresolvedAddressException) {
          return "there is no host of that name: " + line(refused.getMessage()) + "; see --server";
        }
        if (cause instanceof ConnectException) {
          // Netty's Linux transport names the system call.
          return line(cause.getMessage()).replaceFirst("^finishConnect\\S* failed: ", "")
              + "; is a server running there? See --server";
        }
        if (cause instanceof SSLException) {
          return tls(cause);
        }
      }
      if (refused.getMessage().contains("Network closed for unknown reason")
          || refused.getMessage().contains("First received frame was not SETTINGS")) {
        return "the server at " + server() + " does not take calls without TLS; if it speaks TLS, add --tls-ca FILE, its"
            + " authority, or --tls if Java knows that";
      }
    }
    return refused.code() + ": " + new OptionWords(option -> command.findOption(option) != null)
        .of(line(refused.getMessage()));
  }

  private String tls(Throwable failure) {
    String alert = "";
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      String text = String.valueOf(cause);
      if (text.contains("not an SSL/TLS record") || text.contains("NotSslRecordException")) {
        return "the server at " + server() + " does not speak TLS; leave out https://, --tls and --tls-ca"
            + " (LETHE_TLS_CA)";
      }
      Matcher said = ALERT.matcher(text);
      if (alert.isEmpty() && said.find()) {
        alert = said.group(1).toLowerCase(Locale.ROOT);
      }
    }
    if (OF_CLIENTS.contains(alert)) {
      return value("--cert").isEmpty()
          ? "the server at " + server() + " wants to see a certificate of its clients (mutual TLS); show one of an authority"
              + " that it trusts by --cert and --key"
          : "the server at " + server() + " does not take the certificate in " + value("--cert") + " ("
              + alert.replace('_', ' ') + "); show one of an authority that it trusts by --cert and --key";
    }
    return "TLS with the server at " + server() + " failed: " + (alert.isEmpty() ? line(failure.getMessage())
        : "it says \"" + alert.replace('_', ' ') + '"');
  }

  private static String remedy(ServerCertificateException.Fault fault) {
    return switch (fault) {
      case UNTRUSTED -> "if it is the server that you mean, name its authority by --tls-ca FILE";
      case OTHER_NAME -> "ask for it by that name, in --server";
      case NOT_VALID_NOW -> "set this machine's clock if that is wrong, or else have the server's operator renew the"
          + " certificate (serve --tls-certificate)";
    };
  }

  private String server() {
    String named = value("--server");
    return named.isEmpty() ? "that address" : line(named);
  }

  /** Of an option, however it was set; empty without one. */
  private String value(String option) {
    OptionSpec its = command.findOption(option);
    Object value = its == null ? null : its.getValue();
    return value == null ? "" : value.toString();
  }

  private static String line(String text) {
    return text.strip().replaceAll("\\s*\\R\\s*", " ");
  }
}
