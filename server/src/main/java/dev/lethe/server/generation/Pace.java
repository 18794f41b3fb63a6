package dev.lethe.server.generation;

import dev.lethe.server.rpc.Call;

/** Holds a stream back to what its client takes, and to the images a second that it may have. */
final class Pace {

  private final Call<?> call;
  private Runnable release = () -> { };
  private boolean waiting;

  Pace(Call<?> call) {
    this.call = call;
  }

  /** @param proceed run on the call's context when one more image may be sent, after {@link #holdsBack} said no */
  void onRelease(Runnable proceed) {
    release = proceed;
    call.onDrain(proceed);
  }

  /** Asked before each image: whether it must wait. If not, it counts as sent. */
  boolean holdsBack() {
    if (waiting || call.isFull()) {
      return true;
    }
    long wait = call.caller().tryImage();
    if (wait > 0) {
      waiting = true;
      call.context().owner().setTimer(wait, id -> {
        waiting = false;
        release.run();
      });
    }
    return wait > 0;
  }
}
