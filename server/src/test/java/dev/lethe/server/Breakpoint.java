package dev.lethe.server;

import com.sun.jdi.AbsentInformationException;
import com.sun.jdi.Bootstrap;
import com.sun.jdi.Method;
import com.sun.jdi.ReferenceType;
import com.sun.jdi.VMDisconnectedException;
import com.sun.jdi.VirtualMachine;
import com.sun.jdi.connect.AttachingConnector;
import com.sun.jdi.connect.Connector;
import com.sun.jdi.connect.IllegalConnectorArgumentsException;
import com.sun.jdi.event.BreakpointEvent;
import com.sun.jdi.event.ClassPrepareEvent;
import com.sun.jdi.event.Event;
import com.sun.jdi.event.EventSet;
import com.sun.jdi.request.ClassPrepareRequest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import java.util.Map;

/**
 * Holds another Java virtual machine where it enters a method, as a debugger does: what is killed then is killed there.
 */
public final class Breakpoint implements AutoCloseable {

  private static final int LOOK_MS = 200;

  private final VirtualMachine machine;
  private final String type;
  private final String method;

  private Breakpoint(VirtualMachine machine, String type, String method) {
    this.machine = machine;
    this.type = type;
    this.method = method;
  }

  /** A port that nothing listens on now. */
  public static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /** The option by which a machine listens to this class. */
  public static String option(int port) {
    return "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,quiet=y,address=127.0.0.1:" + port;
  }

  /**
   * @param port that the machine listens on
   * @param type full name of a class
   * @param method name of a method of it, all of that name
   */
  public static Breakpoint set(int port, String type, String method) throws IOException {
    AttachingConnector connector = Bootstrap.virtualMachineManager().attachingConnectors().stream()
        .filter(found -> found.transport().name().equals("dt_socket")).findFirst().orElseThrow();
    Map<String, Connector.Argument> arguments = connector.defaultArguments();
    arguments.get("hostname").setValue("127.0.0.1");
    arguments.get("port").setValue(Integer.toString(port));
    try {
      Breakpoint breakpoint = new Breakpoint(connector.attach(arguments), type, method);
      ClassPrepareRequest loading = breakpoint.machine.eventRequestManager().createClassPrepareRequest();
      loading.addClassFilter(type);
      loading.enable();
      for (ReferenceType loaded : breakpoint.machine.classesByName(type)) {
        breakpoint.in(loaded);
      }
      return breakpoint;
    } catch (IllegalConnectorArgumentsException e) {
      throw new IOException(e);
    }
  }

  private void in(ReferenceType loaded) {
    List<Method> methods = loaded.methodsByName(method);
    if (methods.isEmpty()) {
      throw new IllegalArgumentException(type + " has no method " + method);
    }
    try {
      for (Method entered : methods) {
        machine.eventRequestManager().createBreakpointRequest(entered.allLineLocations().get(0)).enable();
      }
    } catch (AbsentInformationException e) {
      throw new IllegalArgumentException(type + " was compiled without line numbers", e);
    }
  }

  /**
   * Waits until the machine comes there; it is held then.
   *
   * @return false if it has not in time, or has ended
   */
  public boolean reached(int seconds) throws InterruptedException {
    long limit = System.nanoTime() + seconds * 1_000_000_000L;
    try {
      while (System.nanoTime() < limit) {
        EventSet events = machine.eventQueue().remove(LOOK_MS);
        if (events == null) {
          continue;
        }
        for (Event event : events) {
          if (event instanceof BreakpointEvent) {
            return true;
          }
          if (event instanceof ClassPrepareEvent prepared) {
            in(prepared.referenceType());
          }
        }
        events.resume();
      }
    } catch (VMDisconnectedException e) {
      return false;
    }
    return false;
  }

  @Override
  public void close() {
    try {
      machine.dispose();
    } catch (VMDisconnectedException e) {
      // Its process has ended.
    }
  }
}
