package dev.lethe.server.events;

import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Walks along the event log, and finds the first place where it is not as it was written. A log that was cut off at its
 * end, or written anew as a whole, is whole in itself: that shows where something else has kept a number and its hash,
 * as certificates do.
 */
public final class Chain {

  private String before = Line.BEGINNING;
  private String beforeThat = Line.BEGINNING;
  private long number;
  private Optional<Fault> fault = Optional.empty();
  private final Map<Long, Set<String>> kept = new TreeMap<>();
  private Line doubtful;

  /**
   * What is wrong.
   *
   * @param line the number of the first line at fault
   * @param what a sentence
   */
  public record Fault(long line, String what) {}

  /** Holds the log to a line that is known from elsewhere. */
  public void expect(long line, String hash) {
    kept.computeIfAbsent(line, first -> new HashSet<>()).add(hash);
  }

  /** The next line, in the order of numbers. What follows the first fault is not looked at. */
  public void next(Line line) {
    if (fault.isPresent()) {
      return;
    }
    if (doubtful != null) {
      fault = Optional.of(judge(doubtful, line));
      return;
    }
    long expected = number + 1;
    if (line.number() != expected) {
      fault = Optional.of(line.number() > expected
          ? new Fault(expected, "line " + expected + " is missing" + (line.number() - expected > 1
              ? ", and those up to " + (line.number() - 1) : ""))
          : new Fault(line.number(), "line " + line.number() + " is there twice"));
    } else if (Line.hash(before, line.text()).equals(line.hash())) {
      step(line);
    } else if (Line.hash(beforeThat, line.text()).equals(line.hash())) {
      // It follows the line before the last: the last was put between the two, with a hash that fits.
      fault = Optional.of(new Fault(number, "line " + number + " was inserted: the one after it follows the one"
          + " before"));
    } else {
      doubtful = line;
    }
  }

  private void step(Line line) {
    number = line.number();
    beforeThat = before;
    before = line.hash();
    // Certificates may disagree: then one of them is of another log.
    if (!Set.of(line.hash()).containsAll(kept.getOrDefault(number, Set.of()))) {
      fault = Optional.of(new Fault(number, "line " + number + " is not the one that a certificate was issued after:"
          + " it, or one before it, was written anew"));
    }
  }

  /** Why a line does not follow the one before it, by the line after it, if there is one. */
  private Fault judge(Line line, Line next) {
    long own = line.ownNumber();
    if (own == line.number() + 1) {
      return next != null && next.ownNumber() == line.number()
          ? new Fault(line.number(), "lines " + line.number() + " and " + next.number() + " have changed places")
          : new Fault(line.number(), "line " + line.number() + " was dropped: what is there is line " + own);
    }
    if (own != 0 && own != line.number()) {
      return own > line.number() ? new Fault(line.number(), "line " + own + " stands where line " + line.number()
          + " was: lines were reordered, or dropped")
          : new Fault(line.number(), "line " + own + " stands where line " + line.number() + " was: lines were"
              + " reordered, or inserted");
    }
    if (next != null && next.ownNumber() == line.number()) {
      return new Fault(line.number(), "line " + line.number() + " was inserted: what was there comes after it");
    }
    if (next != null && Line.hash(before, next.text()).equals(next.hash())) {
      return new Fault(line.number(), "line " + line.number() + " was inserted: the one after it follows the one"
          + " before");
    }
    return new Fault(line.number(), "line " + line.number() + " was changed" + (line.number() == 1 ? ""
        : ", or line " + (line.number() - 1) + " was, and given a hash that fits"));
  }

  /** Whether the lines shown so far follow one another. */
  public boolean holds() {
    return fault.isEmpty() && doubtful == null;
  }

  /** The first fault, once all lines were shown. */
  public Optional<Fault> fault() {
    if (fault.isPresent()) {
      return fault;
    }
    if (doubtful != null) {
      return Optional.of(judge(doubtful, null));
    }
    long last = kept.keySet().stream().reduce(0L, Math::max);
    return last <= number ? Optional.empty() : Optional.of(new Fault(number + 1, "line " + (number + 1)
        + " is missing, and all after it: a certificate was issued after line " + last));
  }

  /** How many lines are good. */
  public long length() {
    return number;
  }

  /** The hash of the last of these. */
  public String head() {
    return before;
  }
}
