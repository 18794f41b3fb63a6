package dev.lethe.server.logging;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.LoggerContextVO;
import ch.qos.logback.classic.spi.StackTraceElementProxy;
import ch.qos.logback.core.ConsoleAppender;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.slf4j.Marker;
import org.slf4j.event.KeyValuePair;

/**
 * The one way to the log: whatever a message or an exception's says, of a client or a file, is bounded and stays on its
 * line, so that nobody can write lines of the log's own form. Named in the configuration of the log.
 */
public final class SafeAppender extends ConsoleAppender<ILoggingEvent> {

  private int most = SafeText.MESSAGE;

  /** Characters of a message, if not the usual number. */
  public void setMost(int characters) {
    most = characters;
  }

  @Override
  protected void append(ILoggingEvent event) {
    super.append(new SafeEvent(event, most));
  }

  /** An event with safe texts; the formatted message stands in for message and arguments. */
  private record SafeEvent(ILoggingEvent event, int most) implements ILoggingEvent {

    @Override
    public String getFormattedMessage() {
      String message = event.getFormattedMessage();
      return message == null ? null : SafeText.line(message, most);
    }

    @Override
    public String getMessage() {
      return getFormattedMessage();
    }

    @Override
    public Object[] getArgumentArray() {
      return null;
    }

    @Override
    public IThrowableProxy getThrowableProxy() {
      return SafeThrowable.of(event.getThrowableProxy());
    }

    @Override
    public String getThreadName() {
      return event.getThreadName();
    }

    @Override
    public Level getLevel() {
      return event.getLevel();
    }

    @Override
    public String getLoggerName() {
      return event.getLoggerName();
    }

    @Override
    public LoggerContextVO getLoggerContextVO() {
      return event.getLoggerContextVO();
    }

    @Override
    public StackTraceElement[] getCallerData() {
      return event.getCallerData();
    }

    @Override
    public boolean hasCallerData() {
      return event.hasCallerData();
    }

    @Override
    public List<Marker> getMarkerList() {
      return event.getMarkerList();
    }

    @Override
    public Map<String, String> getMDCPropertyMap() {
      return event.getMDCPropertyMap();
    }

    @Override
    @Deprecated
    public Map<String, String> getMdc() {
      return event.getMDCPropertyMap();
    }

    @Override
    public long getTimeStamp() {
      return event.getTimeStamp();
    }

    @Override
    public int getNanoseconds() {
      return event.getNanoseconds();
    }

    @Override
    public long getSequenceNumber() {
      return event.getSequenceNumber();
    }

    @Override
    public List<KeyValuePair> getKeyValuePairs() {
      return event.getKeyValuePairs();
    }

    @Override
    public void prepareForDeferredProcessing() {
      event.prepareForDeferredProcessing();
    }
  }

  private record SafeThrowable(IThrowableProxy throwable) implements IThrowableProxy {

    static IThrowableProxy of(IThrowableProxy throwable) {
      return throwable == null ? null : new SafeThrowable(throwable);
    }

    @Override
    public String getMessage() {
      String message = throwable.getMessage();
      return message == null ? null : SafeText.line(message, SafeText.MESSAGE);
    }

    @Override
    public String getClassName() {
      return throwable.getClassName();
    }

    @Override
    public StackTraceElementProxy[] getStackTraceElementProxyArray() {
      return throwable.getStackTraceElementProxyArray();
    }

    @Override
    public int getCommonFrames() {
      return throwable.getCommonFrames();
    }

    @Override
    public IThrowableProxy getCause() {
      return of(throwable.getCause());
    }

    @Override
    public IThrowableProxy[] getSuppressed() {
      return Arrays.stream(throwable.getSuppressed()).map(SafeThrowable::of).toArray(IThrowableProxy[]::new);
    }

    @Override
    public boolean isCyclic() {
      return throwable.isCyclic();
    }
  }
}
