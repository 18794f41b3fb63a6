package dev.lethe.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code lethe serve} as a process: what it says of its configuration. */
@Timeout(60)
class ServeCommandTest {

  @TempDir
  Path directory;

  private record Ended(int code, String out, String err) {}

  private Ended serve(Map<String, String> environment, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(
        ProcessHandle.current().info().command().orElse("java"), "-XX:TieredStopAtLevel=1",
        "-cp", System.getProperty("java.class.path"), "-Dlethe.default.models=shipped", ServeCommand.class.getName()));
    command.addAll(List.of(arguments));
    Path out = directory.resolve("out");
    Path err = directory.resolve("err");
    ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
    builder.environment().putAll(environment);
    int code = builder.start().waitFor();
    return new Ended(code, Files.readString(out), Files.readString(err));
  }

  @Test
  void refusesToStartWithAllMistakesAtOnce() throws Exception {
    Path file = Files.writeString(directory.resolve("lethe.yaml"), "host: 0.0.0.0\nthread: 4\ndata: missing\n");
    Ended ended = serve(Map.of("LETHE_DRAIN", "-1"), "--config", file.toString(), "--port=http");
    assertEquals(2, ended.code(), ended.err());
    assertEquals("", ended.out());
    assertEquals(String.join("\n",
        "lethe: the configuration has 5 mistakes:",
        "  " + file + ":2: thread is not a setting; did you mean threads?",
        "  --port: is \"http\"; it must be a whole number from 0 to 65535",
        "  " + file + ":3: data is \"missing\"; it must be a directory that exists",
        "  LETHE_DRAIN: is \"-1\"; it must be a whole number from 0 to 86400",
        "  " + file + ":1: is \"0.0.0.0\", which other machines reach, and everyone may do everything: name"
            + " principals (--auth-principals), token keys (--jwt-keys) or certificates (--tls-client-ca), listen on"
            + " 127.0.0.1, or accept it with --insecure-listen", ""), ended.err());
  }

  @Test
  void anUnknownOptionTakesTwoLines() throws Exception {
    Ended ended = serve(Map.of(), "--frob");
    assertEquals(2, ended.code());
    assertTrue(ended.err().startsWith("lethe: Unknown option: '--frob'"), ended.err());
    assertTrue(ended.err().lines().count() <= 2, ended.err());
  }

  @Test
  void tellsEveryMistakeInTheSettingsOfOneModel() throws Exception {
    Path file = Files.writeString(directory.resolve("lethe.yaml"), "per-model:\n  mnist:\n    max-bach: 4\n"
        + "    precision: fp8\n    threads: 2\n    latents: w_plus\n  my model: {max-queue: 0}\n");
    Ended ended = serve(Map.of(), "--config", file.toString());
    assertEquals(2, ended.code(), ended.err());
    assertEquals(String.join("\n",
        "lethe: the configuration has 6 mistakes:",
        "  " + file + ":3: per-model.mnist.max-bach is not a setting of one model; did you mean max-batch?",
        "  " + file + ":4: per-model.mnist.precision is \"fp8\"; it must be of fp32, fp16",
        "  " + file + ":5: per-model.mnist.threads is not a setting of one model; there are max-batch,"
            + " max-queue-delay, concurrency, max-queue, precision, latents, approval,"
            + " merge, canary-share, canary-calls, canary-seconds",
        "  " + file + ":6: per-model.mnist.latents is \"w_plus\"; it must be of auto, z, w, w-plus",
        "  " + file + ":7: per-model has \"my model\"; it must be the name of a model: up to 64 letters, digits, dots,"
            + " underscores and hyphens, a letter or digit first",
        "  " + file + ":7: per-model.my model.max-queue is \"0\"; it must be a whole number from 1 to 1000000", ""),
        ended.err());
  }

  @Test
  void tellsEveryMistakeInADevice() throws Exception {
    Ended ended = serve(Map.of("LETHE_WORKER_DEVICE", "gpu"), "--device", "cuda:0,arena=huge,tf32=maybe");
    assertEquals(2, ended.code(), ended.err());
    assertEquals(String.join("\n",
        "lethe: the configuration has 2 mistakes:",
        "  --device: is \"cuda:0,arena=huge,tf32=maybe\"; it names no device: arena is \"huge\"; it must be one of"
            + " power-of-two, exact; tf32 is \"maybe\"; it must be true or false",
        "  LETHE_WORKER_DEVICE: is \"gpu\"; it names no device: unknown device \"gpu\": use cpu, cuda or cuda:ID", ""),
        ended.err());
  }

  @Test
  void aGpuThatIsNotThereEndsItUnlessTheCpuMayTakeItsPlace() throws Exception {
    String[] empty = {"--port", "0", "--models", directory.toString(), "--state", directory.resolve("s").toString(),
        "--jobs", directory.resolve("j").toString(), "--device"};
    Ended refused = serve(Map.of(), with(empty, "cuda:4000"));
    assertEquals(1, refused.code(), refused.err());
    assertTrue(refused.err().contains("lethe: Device cuda:4000 ") && refused.err().contains("option fallback=cpu"),
        refused.err());
    // It goes on to what is next: there is no model.
    Ended replaced = serve(Map.of(), with(empty, "cuda:4000,fallback=cpu"));
    assertEquals(1, replaced.code(), replaced.err());
    assertTrue(replaced.err().contains("the CPU takes the place of the GPU")
        && !replaced.err().contains("lethe: Device"), replaced.err());
  }

  private static String[] with(String[] arguments, String last) {
    String[] all = Arrays.copyOf(arguments, arguments.length + 1);
    all[arguments.length] = last;
    return all;
  }

  @Test
  void tellsWhatTracingCannotBe() throws Exception {
    Ended ended = serve(Map.of("OTEL_TRACES_EXPORTER", "nonsense"));
    assertEquals(2, ended.code(), ended.err());
    assertTrue(ended.err().contains("\nlethe: the environment's OTEL_... variables: ")
        && ended.err().contains("nonsense"), ended.err());
  }

  @Test
  void printsWhatHoldsAndFromWhere() throws Exception {
    Path file = Files.writeString(directory.resolve("lethe.yaml"), "host: 0.0.0.0\nport: 1\nper-model:\n  mnist:\n"
        + "    precision: fp16\n    max-queue-delay: 2.5\n    latents: w-plus\n");
    Ended ended = serve(Map.of("LETHE_CONFIG", file.toString(), "LETHE_PORT", "9000", "LETHE_LATENTS", "z"),
        "--insecure-listen", "--print-config");
    assertEquals(0, ended.code(), ended.err());
    List<String> lines = ended.out().lines().map(line -> line.replaceAll(" +#", " #")).toList();
    assertTrue(lines.containsAll(List.of("host: 0.0.0.0 # " + file + ":1", "port: 9000 # LETHE_PORT",
        "insecure-listen: true # --insecure-listen", "models: shipped # default", "drain: 10 # default",
        "per-model:", "  mnist:", "    precision: fp16 # " + file + ":5", "    max-queue-delay: 2.5 # " + file + ":6",
        "latents: z # LETHE_LATENTS", "    latents: w-plus # " + file + ":7")),
        ended.out());
  }

  @Test
  void everyFolderThatWillBeWrittenIsTriedAtTheStart() throws Exception {
    Path file = Files.writeString(directory.resolve("file"), "no folder");
    for (String key : List.of("state", "jobs")) {
      String other = key.equals("jobs") ? "--state" : "--jobs";
      Ended ended = serve(Map.of(), "--port", "0", "--models", directory.toString(), other,
          directory.resolve("s").toString(), "--" + key, file.resolve("below").toString());
      assertEquals(1, ended.code(), ended.err());
      assertTrue(ended.err().contains("lethe: " + key + ": the folder " + file.resolve("below") + " cannot be written")
          && ended.err().contains("name another with --" + key), ended.err());
    }
    Ended cache = serve(Map.of("XDG_CACHE_HOME", file.toString()), "--port", "0", "--models", directory.toString(),
        "--state", directory.resolve("s").toString(), "--jobs", directory.resolve("j").toString());
    assertEquals(1, cache.code(), cache.err());
    assertTrue(cache.err().contains("lethe: Cannot extract the native libraries to " + file.resolve("lethe/native")),
        cache.err());
  }

  @Test
  void passwordsInUrlsAreNotPrinted() throws Exception {
    String url = "https://reader:s3cret@issuer.example/keys";
    Ended printed = serve(Map.of("LETHE_JWT_KEYS", url), "--jwt-issuer", "i", "--jwt-audience", "a", "--print-config");
    assertEquals(0, printed.code(), printed.err());
    assertTrue(printed.out().contains("keys: 'https://***@issuer.example/keys'"), printed.out());
    Ended refused = serve(Map.of("LETHE_JWT_KEYS", url + " x"));
    assertEquals(2, refused.code(), refused.err());
    assertTrue(refused.err().contains("is \"https://***@issuer.example/keys x\""), refused.err());
    assertFalse((printed.out() + printed.err() + refused.out() + refused.err()).contains("s3cret"));
  }
}
