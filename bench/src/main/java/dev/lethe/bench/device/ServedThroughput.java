package dev.lethe.bench.device;

import dev.lethe.bench.load.Format;
import dev.lethe.bench.model.BenchModel;
import dev.lethe.bench.targets.Cores;
import dev.lethe.bench.targets.ServedTarget;
import dev.lethe.bench.targets.Targets;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Images a second of the server, and the time of a call, by the number of clients. */
final class ServedThroughput implements Step.Measurement {

  private static final int BATCH = 16;
  private static final List<Integer> CLIENTS = List.of(1, 4, 16);
  private static final Duration WARM_UP = Duration.ofSeconds(5);
  private static final Duration TURN = Duration.ofSeconds(3);

  @Override
  public void run(Setting setting) throws IOException, InterruptedException {
    for (BenchModel model : List.of(setting.shipped(), setting.random(false))) {
      Targets targets = new Targets(setting.home().toAbsolutePath(), setting.work(), setting.device(), Cores.halves(),
          BATCH, CLIENTS.get(CLIENTS.size() - 1), Optional.empty());
      try (ServedTarget server = (ServedTarget) targets.start(Targets.Kind.LETHE, model)) {
        server.saturate(Format.TENSOR, setting.small() ? TURN.dividedBy(TURN.toSeconds()) : WARM_UP);
        for (Format format : Format.values()) {
          for (int clients : CLIENTS) {
            double perSecond = server.saturateBy(clients, format, TURN).imagesPerSecond();
            setting.row("model", model.title(), "format", format.name().toLowerCase(), "clients", (long) clients,
                Figures.PER_SECOND, perSecond, "start, s", server.startSeconds());
          }
        }
      }
    }
  }
}
