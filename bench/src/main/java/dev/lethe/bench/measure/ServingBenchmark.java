package dev.lethe.bench.measure;

import dev.lethe.bench.load.Format;
import dev.lethe.bench.load.Load;
import dev.lethe.bench.model.BenchModel;
import dev.lethe.bench.targets.Saturation;
import dev.lethe.bench.targets.ServedTarget;
import dev.lethe.bench.targets.Target;
import dev.lethe.bench.targets.Targets;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Servers and the bare sessions on one model, in turns: all are started, and one is measured while the others are idle.
 *
 * @param turns that count; one before them warms up
 * @param turn of one measurement, at least
 * @param warmUp of each server under full load, before the first turn: a Java virtual machine compiles what it runs,
 *     which on one core that is also asked for images takes half a minute
 */
public record ServingBenchmark(Targets targets, int turns, Duration turn, Duration warmUp) {

  /** Fewest calls at half load, where images take seconds; the 99th percentile is the worst of them then. */
  private static final int LEAST_CALLS = 40;
  private static final int HALF_LOAD_TURNS = 4;
  /** Images of a call where several are asked for at once. */
  public static final int TOGETHER = 8;
  /** Length of the turn that does not count, in turns. */
  private static final int WARM_UP_TURNS = 3;

  /**
   * What one target did.
   *
   * @param perSecond images a second when saturated
   * @param aloneMillis median time of an image with one client
   * @param ofLimit {@code perSecond} as a share of the bare sessions'
   * @param togetherOfLimit the same with {@value #TOGETHER} images a call; not a number where images are computed
   *     one by one
   * @param timesLimit {@code aloneMillis} as a multiple of the bare sessions'
   * @param cpuMillis processor time of an image when saturated
   * @param bytes of an answer
   * @param p50 milliseconds at half of {@code perSecond}; not a number for the bare sessions
   * @param p99 the same
   * @param emptyMillis median time of a call that asks for nothing; not a number where there is none
   */
  public record Row(String name, double perSecond, double aloneMillis, Turns.Ratio ofLimit, Turns.Ratio togetherOfLimit,
      Turns.Ratio timesLimit,
      double cpuMillis, double bytes, double p50, double p99, double emptyMillis, double startSeconds) {}

  /**
   * What all targets did.
   *
   * @param rows by format, in the targets' order
   * @param missing peers that did not start
   */
  public record Result(String model, Map<Format, List<Row>> rows, List<String> missing) {}

  private record Measured(Saturation saturation, double togetherPerSecond, double aloneMillis) {}

  /**
   * Starts the targets, measures them and stops them. A peer that does not start is left out.
   *
   * @param kinds the bare sessions first
   * @param formats that images are asked for in
   */
  public Result run(BenchModel model, List<Targets.Kind> kinds, List<Format> formats, Consumer<String> progress)
      throws IOException, InterruptedException {
    List<Target> started = new ArrayList<>();
    try {
      List<String> missing = new ArrayList<>();
      for (Targets.Kind kind : kinds) {
        progress.accept(model.title() + ": starting " + kind.name().toLowerCase());
        try {
          started.add(targets.start(kind, model));
        } catch (IOException e) {
          if (!kind.isPeer()) {
            throw e;
          }
          progress.accept(e.getMessage());
          missing.add(kind.name().toLowerCase());
        }
      }
      for (Target target : started) {
        if (target instanceof ServedTarget) {
          progress.accept(model.title() + ": warming " + target.name());
          target.saturate(formats.get(0), warmUp);
        }
      }
      Map<Format, List<Row>> rows = new EnumMap<>(Format.class);
      for (Format format : formats) {
        rows.put(format, rows(model, started, format, progress));
      }
      return new Result(model.title(), rows, missing);
    } finally {
      started.forEach(Target::close);
    }
  }

  private List<Row> rows(BenchModel model, List<Target> started, Format format, Consumer<String> progress)
      throws IOException, InterruptedException {
    List<List<Measured>> all = new ArrayList<>();
    for (int i = 0; i <= turns; i++) {
      progress.accept(model.title() + ", " + format.name().toLowerCase() + ": turn " + i + " of " + turns);
      List<Measured> now = new ArrayList<>();
      Duration length = i == 0 ? turn.multipliedBy(WARM_UP_TURNS) : turn;
      for (Target target : started) {
        double alone = target.aloneMillis(format, length);
        Saturation one = target.saturate(format, length);
        double together = targets.batch() == 1 ? Double.NaN : target instanceof ServedTarget served
            ? served.saturate(format, TOGETHER, length).imagesPerSecond() : one.imagesPerSecond();
        now.add(new Measured(one, together, alone));
      }
      if (i > 0) {
        all.add(now);
      }
    }
    List<Row> rows = new ArrayList<>();
    for (int t = 0; t < started.size(); t++) {
      int column = t;
      Target target = started.get(t);
      List<double[]> rates = all.stream()
          .map(now -> now.stream().mapToDouble(m -> m.saturation().imagesPerSecond()).toArray()).toList();
      List<double[]> together = all.stream()
          .map(now -> now.stream().mapToDouble(Measured::togetherPerSecond).toArray()).toList();
      List<double[]> alone = all.stream().map(now -> now.stream().mapToDouble(Measured::aloneMillis).toArray())
          .toList();
      double perSecond = Turns.median(rates, column);
      double p50 = Double.NaN;
      double p99 = Double.NaN;
      double empty = Double.NaN;
      if (target instanceof ServedTarget served) {
        progress.accept(model.title() + ", " + format.name().toLowerCase() + ": half load on " + target.name());
        Load load = served.atRate(format, perSecond / 2, LEAST_CALLS, turn.multipliedBy(HALF_LOAD_TURNS));
        p50 = load.millis(50);
        p99 = load.millis(99);
        empty = served.emptyMillis(turn);
      }
      rows.add(new Row(target.name(), perSecond, Turns.median(alone, column), Turns.ratio(rates, column, 0),
          Turns.ratio(together, column, 0), Turns.ratio(alone, column, 0),
          1e3 * Turns.median(all, now -> now.get(column).saturation().cpuSeconds()),
          Turns.median(all, now -> now.get(column).saturation().bytes()), p50, p99, empty, target.startSeconds()));
    }
    return rows;
  }
}
