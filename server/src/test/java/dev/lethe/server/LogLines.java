package dev.lethe.server;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.LoggerFactory;

/** What a logger is told while this is open. */
public final class LogLines extends AppenderBase<ILoggingEvent> implements AutoCloseable {

  private final Logger logger;
  private final List<ILoggingEvent> lines = new CopyOnWriteArrayList<>();

  private LogLines(Logger logger) {
    this.logger = logger;
    start();
    logger.addAppender(this);
  }

  /** Of one class. */
  public static LogLines of(Class<?> source) {
    return of(source.getName());
  }

  /** @param logger its name; {@link Logger#ROOT_LOGGER_NAME} for all */
  public static LogLines of(String logger) {
    return new LogLines((Logger) LoggerFactory.getLogger(logger));
  }

  @Override
  protected void append(ILoggingEvent line) {
    lines.add(line);
  }

  /** All of them, as LEVEL: MESSAGE. */
  public List<String> all() {
    return lines.stream().map(line -> line.getLevel() + ": " + line.getFormattedMessage()).toList();
  }

  /** Waits for one that has this in it. */
  public void until(String part) throws Exception {
    Until.holds(() -> all().stream().anyMatch(line -> line.contains(part)));
  }

  @Override
  public void close() {
    logger.detachAppender(this);
  }
}
