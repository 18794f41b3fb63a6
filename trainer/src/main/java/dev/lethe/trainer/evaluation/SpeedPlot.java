package dev.lethe.trainer.evaluation;

import dev.lethe.trainer.evaluation.Experiment.Method;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What is redacted against the time that it takes, as a picture: a point for each choice, the mean of its seeds.
 * Time is a part of that of retraining on the same machine, so that results of several machines can be shown together.
 */
final class SpeedPlot {

  private static final int WIDTH = 860;
  private static final int HEIGHT = 420;
  private static final int LEFT = 60;
  /** Room for the names. */
  private static final int RIGHT = 250;
  private static final int TOP = 30;
  private static final int BOTTOM = 60;
  /** Of the axis of time, parts of retraining: 0.1 % to all of it. */
  private static final double LEAST = 0.001;
  /** Fréchet distances over the root's up to which a mark is a circle, and a square; above, a triangle. */
  private static final double GOOD = 1.05;
  private static final double FAIR = 1.10;
  private static final int LINE = 18;

  private record Point(String name, double time, double redacted, double fid) {}

  private SpeedPlot() {}

  /** An SVG of results of single images; those of which no time is known, such as of doing nothing, are not in it. */
  static String of(List<ExperimentResult> results) {
    Map<String, List<ExperimentResult>> groups = new LinkedHashMap<>();
    results.stream().filter(r -> r.experiment().ofItems() && r.experiment().jobs() == 1
        && r.experiment().base() == Experiment.Base.SHIPPED && r.experiment().method() != Method.NOTHING)
        .forEach(r -> groups.computeIfAbsent(r.experiment().group(), g -> new ArrayList<>()).add(r));
    StringBuilder svg = new StringBuilder(String.format(Locale.ROOT, """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">
        <rect width="100%%" height="100%%" fill="#fff"/>
        """, WIDTH, HEIGHT));
    axes(svg);
    List<Point> points = groups.values().stream().map(SpeedPlot::point).toList();
    for (int i = 0; i < points.size(); i++) {
      mark(svg, points.get(i), i);
    }
    return svg.append("</svg>\n").toString();
  }

  private static Point point(List<ExperimentResult> rows) {
    Experiment e = rows.get(0).experiment();
    String name = e.method() == Method.LETHE
        ? e.images() + (e.images() == 1 ? " image" : " images")
            + (e.substitute() == Experiment.SubstituteChoice.NEAREST ? "" : ", " + Experiment.name(e.substitute()))
        : e.method().title.replaceAll("[,(].*", "").strip();
    return new Point(name + (e.zeroShot() ? ", zero-shot" : ""),
        e.method() == Method.RETRAINING ? 1 : mean(rows, "seconds") / mean(rows, "retrain_seconds"),
        mean(rows, "fresh"), mean(rows, "fid_root_ratio"));
  }

  private static double mean(List<ExperimentResult> rows, String figure) {
    return rows.stream().mapToDouble(row -> row.figures().get(figure)).average().orElseThrow();
  }

  private static double x(double time) {
    double share = Math.log(Math.max(LEAST, Math.min(1, time)) / LEAST) / Math.log(1 / LEAST);
    return LEFT + share * (WIDTH - LEFT - RIGHT);
  }

  private static double y(double redacted) {
    return HEIGHT - BOTTOM - redacted * (HEIGHT - TOP - BOTTOM);
  }

  private static void axes(StringBuilder svg) {
    for (double time : new double[] {0.001, 0.005, 0.02, 0.05, 0.2, 1}) {
      line(svg, x(time), y(0), x(time), y(1));
      text(svg, x(time), y(0) + 16, "middle",
          time == 1 ? "retraining" : String.format(Locale.ROOT, "1/%.0f", 1 / time));
    }
    for (int percent = 0; percent <= 100; percent += 20) {
      line(svg, LEFT, y(percent / 100.0), WIDTH - RIGHT, y(percent / 100.0));
      text(svg, LEFT - 8, y(percent / 100.0) + 4, "end", percent + " %");
    }
    text(svg, LEFT, 18, "start",
        "redacted: drawn nearer to the substitute at latents that the audit found in the original");
    text(svg, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 26, "middle", "time, as a part of retraining's (estimated)");
    text(svg, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 8, "middle", String.format(Locale.ROOT,
        "circle: FID up to %.2f times the root's; square: up to %.2f; triangle: above", GOOD, FAIR));
  }

  private static void mark(StringBuilder svg, Point p, int number) {
    double x = x(p.time);
    double y = y(p.redacted);
    if (p.fid <= GOOD) {
      svg.append(String.format(Locale.ROOT, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"#1b7f4d\"/>\n", x, y));
    } else if (p.fid <= FAIR) {
      svg.append(String.format(Locale.ROOT,
          "<rect x=\"%.1f\" y=\"%.1f\" width=\"9\" height=\"9\" fill=\"#b26a00\"/>\n", x - 4.5, y - 4.5));
    } else {
      svg.append(String.format(Locale.ROOT, "<path d=\"M%.1f %.1fl6 11h-12z\" fill=\"#b3261e\"/>\n", x, y - 6));
    }
    String letter = String.valueOf((char) ('a' + number));
    text(svg, x + 7, y + (number % 2 == 0 ? -5 : 14), "start", letter);
    text(svg, WIDTH - RIGHT + 24, TOP + 10 + number * LINE, "start",
        String.format(Locale.ROOT, "%s  %s (FID × %.2f)", letter, p.name, p.fid));
  }

  private static void line(StringBuilder svg, double x1, double y1, double x2, double y2) {
    svg.append(String.format(Locale.ROOT,
        "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", x1, y1, x2, y2));
  }

  private static void text(StringBuilder svg, double x, double y, String anchor, String what) {
    svg.append(String.format(Locale.ROOT,
        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"#222\">%s</text>\n", x, y,
        anchor, what.replace("&", "&amp;").replace("<", "&lt;")));
  }
}
