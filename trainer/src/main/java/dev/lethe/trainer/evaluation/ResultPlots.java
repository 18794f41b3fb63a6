package dev.lethe.trainer.evaluation;

import dev.lethe.trainer.evaluation.CellResult.Point;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler.ChartTheme;
import org.knowm.xchart.style.Styler.LegendPosition;

/** Results as pictures, with error bars of one standard deviation over seeds. */
final class ResultPlots {

  /** What is plotted against what. */
  private record Axis<T>(String name, ToDoubleFunction<T> of) {}

  private final Path directory;

  ResultPlots(Path directory) {
    this.directory = directory;
  }

  /** AUC_lu and FID_l on the way, against iterations and seconds, a line for each group of runs. */
  void curves(List<CellResult> results, String prefix) throws IOException {
    Axis<Point> iterations = new Axis<>("iterations", Point::iteration);
    Axis<Point> seconds = new Axis<>("seconds, with inversion", Point::seconds);
    for (Axis<Point> x : List.of(iterations, seconds)) {
      for (Axis<Point> y : List.of(new Axis<>("AUC_lu", Point::aucLu), new Axis<>("FID_l, 512 samples", Point::fidL))) {
        XYChart chart = chart(x.name, y.name);
        ResultTable.grouped(results).forEach((group, rows) -> line(chart, rows, x, y));
        save(chart, prefix + "-" + word(y.name) + "-" + word(x.name));
      }
    }
  }

  private static void line(XYChart chart, List<CellResult> rows, Axis<Point> x, Axis<Point> y) {
    int points = rows.stream().mapToInt(row -> row.curve().size()).min().orElse(0);
    if (points > 0) {
      add(chart, Cell.name(rows.get(0).cell().mode()),
          IntStream.range(0, points).mapToObj(i -> at(rows, i, x)).toList(),
          IntStream.range(0, points).mapToObj(i -> at(rows, i, y)).toList());
    }
  }

  private static Spread at(List<CellResult> rows, int point, Axis<Point> axis) {
    return Spread.of(rows.stream().map(row -> axis.of.applyAsDouble(row.curve().get(point))).toList());
  }

  /** AUC_lu and the rise of FID_l against λ2. */
  void sweep(List<CellResult> results) throws IOException {
    List<List<CellResult>> groups = new ArrayList<>(ResultTable.grouped(results).values());
    groups.sort((a, b) -> Double.compare(a.get(0).cell().lambda2(), b.get(0).cell().lambda2()));
    List<Spread> x = groups.stream().map(rows -> new Spread(rows.get(0).cell().lambda2(), 0, 1)).toList();
    List<Axis<CellResult>> axes = List.of(new Axis<>("AUC_lu", row -> row.after().aucLu()),
        new Axis<>("FID_l ratio", CellResult::fidRatio));
    for (Axis<CellResult> y : axes) {
      XYChart chart = chart("lambda2", y.name);
      add(chart, y.name, x,
          groups.stream().map(rows -> Spread.of(rows.stream().map(y.of::applyAsDouble).toList())).toList());
      save(chart, "lambda2-" + word(y.name));
    }
  }

  private static void add(XYChart chart, String name, List<Spread> x, List<Spread> y) {
    String unique = chart.getSeriesMap().containsKey(name) ? name + " " + chart.getSeriesMap().size() : name;
    chart.addSeries(unique, x.stream().map(Spread::mean).toList(), y.stream().map(Spread::mean).toList(),
        y.stream().map(Spread::deviation).toList());
  }

  private static XYChart chart(String x, String y) {
    XYChart chart = new XYChartBuilder().width(560).height(360).theme(ChartTheme.Matlab).xAxisTitle(x).yAxisTitle(y)
        .build();
    chart.getStyler().setLegendPosition(LegendPosition.InsideSE).setMarkerSize(5);
    return chart;
  }

  private void save(XYChart chart, String name) throws IOException {
    BitmapEncoder.saveBitmap(chart, directory.resolve(name).toString(), BitmapFormat.PNG);
  }

  /** The first word, for a file's name. */
  private static String word(String title) {
    return title.split("[ ,]")[0].toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
