package dev.lethe.server.openinference;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** What this program is called, and its version, which the build writes down. */
public final class Release {

  public static final String NAME = "lethe";

  private Release() {}

  public static String version() {
    try (InputStream file = Release.class.getResourceAsStream("release.properties")) {
      Properties properties = new Properties();
      properties.load(file);
      return properties.getProperty("version");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
