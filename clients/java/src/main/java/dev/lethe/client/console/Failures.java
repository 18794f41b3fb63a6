package dev.lethe.client.console;

import dev.lethe.client.LetheException;
import io.grpc.Status;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.channels.UnresolvedAddressException;
import javax.net.ssl.SSLException;

/** What went wrong, in a line that says what to do. */
final class Failures {

  private Failures() {}

  static String words(Exception error) {
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
    if (file instanceof NoSuchFileException) {
      return file.getFile() + ": there is no such file or folder";
    }
    if (file instanceof AccessDeniedException) {
      return file.getFile() + ": may not be read or written";
    }
    // Their message is often the path alone; the class says what is wrong with it.
    return file.getFile() + ": " + (file.getReason() != null ? file.getReason()
        : file.getClass().getSimpleName().replaceAll("Exception$", "").replaceAll("(?<=[a-z])(?=[A-Z])", " "));
  }

  /** Failures of the connection are told by what failed, all others by the server's own words. */
  private static String refused(LetheException refused) {
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
        return "the server does not speak as was expected; if it speaks TLS, add --tls or --tls-ca FILE";
      }
    }
    return refused.toString();
  }

  private static String tls(Throwable failure) {
    StringBuilder all = new StringBuilder();
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      all.append(cause).append('\n');
    }
    String text = all.toString();
    if (text.contains("not an SSL/TLS record") || text.contains("NotSslRecordException")) {
      return "the server does not speak TLS; leave out --tls and --tls-ca";
    }
    if (text.contains("unable to find valid certification path") || text.contains("CertPathBuilderException")
        || text.contains("CERTIFICATE_VERIFY_FAILED")) {
      return "the server's certificate is of an authority that is not trusted here; name the authority by --tls-ca FILE";
    }
    if (text.contains("No subject alternative") || text.contains("No name matching")) {
      return "the server's certificate is of another name: " + line(failure.getMessage());
    }
    if (text.contains("certificate_required") || text.contains("CERTIFICATE_REQUIRED")
        || text.contains("bad_certificate") || text.contains("BAD_CERTIFICATE")) {
      return "the server asks for a certificate of an authority that it trusts; show one by --cert and --key";
    }
    return "TLS: " + line(failure.getMessage());
  }

  private static String line(String text) {
    return text.strip().replaceAll("\\s*\\R\\s*", " ");
  }
}
