package dev.lethe.client.conformance;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import dev.lethe.client.LetheClient;
import dev.lethe.client.LetheException;
import dev.lethe.client.Retry;
import dev.lethe.client.image.ImageFiles;
import dev.lethe.client.image.Pictures;
import dev.lethe.v1.ActivateResponse;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerateResponse;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.GetReportResponse;
import dev.lethe.v1.ImageFit;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.Job;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.ModelVersion;
import dev.lethe.v1.NoiseMode;
import dev.lethe.v1.ProjectRequest;
import dev.lethe.v1.Projection;
import dev.lethe.v1.ProjectionSpace;
import dev.lethe.v1.Seeds;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.Vector;
import dev.lethe.v1.Vectors;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** The client as the conformance suite drives it: one JSON object a line in, one a line out. */
public final class Driver {

  private static final Gson GSON = new GsonBuilder().serializeNulls().create();
  private static final Map<String, String> CHOICES = Map.of("kind", "UNLEARN_KIND_", "mode", "UNLEARN_MODE_",
      "substitute", "SUBSTITUTE_KIND_", "bad_images", "BAD_IMAGES_");
  private static final int WARM_UP = 10;

  private final Map<String, LetheClient> clients = new HashMap<>();
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();

  private Driver() {}

  public static void main(String[] args) throws IOException {
    Driver driver = new Driver();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      System.out.println(GSON.toJson(driver.answer(JsonParser.parseString(line).getAsJsonObject())));
    }
    driver.clients.values().forEach(LetheClient::close);
    driver.timer.shutdownNow();
  }

  private JsonObject answer(JsonObject order) {
    JsonObject answer = new JsonObject();
    try {
      JsonObject with = order.getAsJsonObject("with");
      answer.add("ok", cancellable(with, () -> run(order.get("call").getAsString(), client(order, with), with, order)));
    } catch (LetheException e) {
      JsonObject error = new JsonObject();
      error.addProperty("code", e.code().name());
      error.addProperty("message", e.getMessage());
      error.addProperty("field", e.field().orElse(null));
      error.addProperty("request_id", e.requestId().orElse(null));
      error.addProperty("retry_after", e.retryAfter().map(wait -> wait.toMillis() / 1e3).orElse(null));
      answer.add("error", error);
    } catch (Exception e) {
      JsonObject error = new JsonObject();
      error.addProperty("code", "LOCAL");
      error.addProperty("message", e.toString());
      answer.add("error", error);
    }
    return answer;
  }

  /** Calls that block are cancelled by gRPC's context. */
  private <T> T cancellable(JsonObject with, Callable<T> call) throws Exception {
    if (!with.has("cancel_after")) {
      return call.call();
    }
    try (Context.CancellableContext context = Context.current().withCancellation()) {
      timer.schedule(() -> context.cancel(null), (long) (with.get("cancel_after").getAsDouble() * 1e3),
          TimeUnit.MILLISECONDS);
      return context.call(call);
    }
  }

  private LetheClient client(JsonObject order, JsonObject with) {
    JsonObject connection = order.getAsJsonObject("connection").deepCopy();
    if (with.has("timeout")) {
      connection.add("timeout", with.get("timeout"));
    }
    return clients.computeIfAbsent(connection.toString(), any -> connect(connection));
  }

  private static LetheClient connect(JsonObject connection) {
    LetheClient.Builder client = LetheClient.builder().address(connection.get("address").getAsString());
    Retry usual = Retry.USUAL;
    client.retry(!connection.has("attempts") ? usual : new Retry(connection.get("attempts").getAsInt(),
        usual.firstPause(), usual.longestPause(), usual.watchPatience()));
    if (connection.has("token")) {
      client.token(connection.get("token").getAsString());
    }
    if (connection.has("ca")) {
      client.tls(Path.of(connection.get("ca").getAsString()));
    }
    if (connection.has("certificate")) {
      client.certificate(Path.of(connection.get("certificate").getAsString()),
          Path.of(connection.get("key").getAsString()));
    }
    if (connection.has("timeout")) {
      client.timeout(Duration.ofMillis((long) (connection.get("timeout").getAsDouble() * 1e3)));
    }
    return client.build();
  }

  private JsonElement run(String call, LetheClient lethe, JsonObject with, JsonObject order) throws IOException {
    return switch (call) {
      case "generate" -> {
        GenerateResponse answer = lethe.generate(request(with));
        JsonObject result = object("images", images(answer.getImagesList()));
        result.addProperty("model", answer.getModel());
        result.addProperty("version", answer.getVersion());
        yield result;
      }
      case "generate_stream" -> {
        try (Stream<GeneratedImage> stream = lethe.generateStream(request(with))) {
          JsonArray images = new JsonArray();
          Iterator<GeneratedImage> each = stream.iterator();
          int take = with.has("take") ? with.get("take").getAsInt() : Integer.MAX_VALUE;
          while (images.size() < take && each.hasNext()) {
            images.add(image(each.next()));
          }
          yield object("images", images);
        }
      }
      case "models" -> object("models", GSON.toJsonTree(lethe.models()));
      case "versions" -> object("versions", GSON.toJsonTree(
          lethe.versions(text(with, "model")).stream().map(Driver::version).toList()));
      case "active_version" -> object("version", GSON.toJsonTree(lethe.activeVersion(text(with, "model"))));
      case "card" -> object("card", JsonParser.parseString(lethe.card(text(with, "model"), text(with, "version"))));
      case "activate" -> {
        ActivateResponse swap = lethe.activate(text(with, "model"), text(with, "version"));
        JsonObject result = object("model", GSON.toJsonTree(swap.getModel()));
        result.addProperty("version", swap.getVersion());
        result.addProperty("previous", swap.getPreviousVersion());
        yield result;
      }
      case "unlearn" -> object("job", json(lethe.submitUnlearn(spec(with), files(with, "images", label(with)),
          files(with, "learn", Optional.empty()))));
      case "inspect" -> {
        AtomicBoolean progressed = new AtomicBoolean();
        JsonObject result = object("inspection", json(lethe.inspect(spec(with), files(with, "images", label(with)),
            progress -> progressed.set(true))));
        result.addProperty("progressed", progressed.get());
        yield result;
      }
      case "project" -> {
        AtomicBoolean progressed = new AtomicBoolean();
        Projection found = lethe.project(projection(with), progress -> progressed.set(true));
        JsonObject result = object("w", GSON.toJsonTree(found.getW().getValuesList()));
        result.addProperty("version", found.getVersion());
        result.addProperty("error", found.getError());
        result.addProperty("picture", base64(found.getImagePng().toByteArray()));
        result.addProperty("progressed", progressed.get());
        yield result;
      }
      case "approve" -> object("job", json(lethe.approve(text(with, "job"), text(with, "reason"))));
      case "reject" -> object("job", json(lethe.reject(text(with, "job"), text(with, "reason"))));
      case "retry" -> object("job", json(lethe.retry(text(with, "job"))));
      case "delete" -> {
        lethe.delete(text(with, "job"));
        yield new JsonObject();
      }
      case "retire" -> object("version", version(lethe.retire(text(with, "model"), text(with, "version"),
          text(with, "reason"))));
      case "purge" -> object("files", GSON.toJsonTree(lethe.purge(text(with, "model"), text(with, "version"))
          .getDeletedFilesList()));
      case "certificate" -> object("version", GSON.toJsonTree(lethe.certificate(text(with, "job")).getVersion()));
      case "job" -> object("job", json(lethe.job(text(with, "job"))));
      case "jobs" -> {
        JsonArray jobs = new JsonArray();
        for (Job job : lethe.jobs()) {
          jobs.add(json(job));
        }
        yield object("jobs", jobs);
      }
      case "cancel" -> object("job", json(lethe.cancel(text(with, "job"))));
      case "report" -> {
        GetReportResponse report = lethe.report(text(with, "job"));
        JsonObject result = object("figures", json(report.getReport()));
        result.addProperty("picture", base64(report.getBeforeAfterPng().toByteArray()));
        yield result;
      }
      case "watch" -> {
        JsonArray moments = new JsonArray();
        lethe.watch(text(with, "job"), job -> moments.add(json(job)));
        yield object("moments", moments);
      }
      case "overhead" -> overhead(lethe, order.getAsJsonObject("connection").get("address").getAsString(),
          with.get("calls").getAsInt());
      default -> throw new IOException("there is no call " + call);
    };
  }

  private static GenerateRequest request(JsonObject with) {
    GenerateRequest.Builder request = GenerateRequest.newBuilder().setModel(text(with, "model"))
        .setVersion(text(with, "version")).setLabel(text(with, "label"));
    if (with.has("seeds")) {
      Seeds.Builder seeds = request.getSeedsBuilder();
      with.getAsJsonArray("seeds").forEach(seed -> seeds.addValues((int) seed.getAsLong()));
    }
    if (with.has("z")) {
      request.setZ(vectors(with.getAsJsonArray("z")));
    }
    if (with.has("w")) {
      request.setW(vectors(with.getAsJsonArray("w")));
    }
    if (with.has("psi")) {
      request.setPsi(with.get("psi").getAsFloat());
    }
    if (with.has("count")) {
      request.setCount(with.get("count").getAsInt());
    }
    if (with.has("format")) {
      request.setFormat(ImageFormat.valueOf("IMAGE_FORMAT_" + constant(text(with, "format"))));
    }
    if (with.has("noise_mode")) {
      request.setNoiseMode(NoiseMode.valueOf("NOISE_MODE_" + constant(text(with, "noise_mode"))));
    }
    request.setIncludeW(with.has("include_w") && with.get("include_w").getAsBoolean());
    return request.build();
  }

  private static ProjectRequest projection(JsonObject with) throws IOException {
    ProjectRequest.Builder request = ProjectRequest.newBuilder().setImage(files(with, "image", label(with)).get(0))
        .setSteps(with.get("steps").getAsInt());
    if (with.has("space")) {
      request.setSpace(ProjectionSpace.valueOf("PROJECTION_SPACE_" + constant(text(with, "space"))));
    }
    if (with.has("fit")) {
      request.setFit(ImageFit.valueOf("IMAGE_FIT_" + constant(text(with, "fit"))));
    }
    return request.build();
  }

  private static Optional<String> label(JsonObject with) {
    return Optional.ofNullable(with.get("label")).map(JsonElement::getAsString);
  }

  /** A word of users as the protocol has it. */
  private static String constant(String word) {
    return word.toUpperCase(Locale.ROOT).replace('-', '_');
  }

  private static Vectors vectors(JsonArray rows) {
    Vectors.Builder vectors = Vectors.newBuilder();
    for (JsonElement row : rows) {
      Vector.Builder vector = vectors.addValuesBuilder();
      row.getAsJsonArray().forEach(value -> vector.addValues(value.getAsFloat()));
    }
    return vectors.build();
  }

  /** A specification as the other clients' users write it. */
  private static UnlearnSpec spec(JsonObject with) throws IOException {
    JsonObject fields = new JsonObject();
    JsonObject gates = new JsonObject();
    JsonObject spec = with.has("spec") ? with.getAsJsonObject("spec") : new JsonObject();
    for (Map.Entry<String, JsonElement> option : spec.entrySet()) {
      String name = option.getKey();
      JsonElement value = option.getValue();
      if (CHOICES.containsKey(name)) {
        fields.addProperty(name,
            CHOICES.get(name) + constant(value.getAsString()));
      } else if (name.equals("fake_label") && value.getAsString().equals("auto")) {
        fields.addProperty("auto_fake_label", true);
      } else if (name.startsWith("min_") || name.equals("max_fid_l_increase")) {
        gates.add(name, value);
      } else {
        fields.add(name, value);
      }
    }
    if (gates.size() > 0) {
      fields.add("gates", gates);
    }
    UnlearnSpec.Builder built = UnlearnSpec.newBuilder();
    JsonFormat.parser().merge(fields.toString(), built);
    return built.build();
  }

  private static List<LabelledImage> files(JsonObject with, String name, Optional<String> label) throws IOException {
    return with.has(name) ? new ImageFiles(label).read(List.of(Path.of(text(with, name)))) : List.of();
  }

  private static JsonArray images(List<GeneratedImage> images) throws IOException {
    JsonArray array = new JsonArray();
    for (GeneratedImage image : images) {
      array.add(image(image));
    }
    return array;
  }

  private static JsonObject image(GeneratedImage image) throws IOException {
    JsonObject described = new JsonObject();
    described.addProperty("index", image.getIndex());
    described.addProperty("seed", image.hasSeed() ? Integer.toUnsignedLong(image.getSeed()) : null);
    described.addProperty("label", image.hasLabel() ? image.getLabel() : null);
    described.addProperty("version", image.getVersion());
    described.add("w", image.hasW() ? GSON.toJsonTree(image.getW().getValuesList()) : null);
    described.addProperty("data", base64(image.getImage().getData().toByteArray()));
    if (image.getImage().getFormat() == ImageFormat.IMAGE_FORMAT_RAW) {
      FloatBuffer values = image.getImage().getData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN)
          .asFloatBuffer();
      double sum = 0;
      for (int i = 0; i < values.limit(); i++) {
        sum += values.get(i);
      }
      described.addProperty("format", "raw");
      described.addProperty("mean", sum / values.limit());
      described.add("shape", GSON.toJsonTree(image.getImage().getShapeList()));
      return described;
    }
    described.addProperty("format", image.getImage().getFormat() == ImageFormat.IMAGE_FORMAT_PNG ? "png" : "jpeg");
    BufferedImage picture = Pictures.decode(image.getImage());
    Raster pixels = picture.getRaster();
    double mean = Arrays.stream(pixels.getSamples(0, 0, picture.getWidth(), picture.getHeight(), 0, (int[]) null))
        .average().orElse(Double.NaN);
    described.addProperty("mean", pixels.getNumBands() == 1 ? mean : null);
    return described;
  }

  private static JsonObject version(ModelVersion version) {
    JsonObject described = new JsonObject();
    described.addProperty("model", version.getModel());
    described.addProperty("version", version.getVersion());
    described.addProperty("state", version.getState().name().replace("VERSION_STATE_", "").toLowerCase(Locale.ROOT));
    described.addProperty("parent", version.getParentVersion().isEmpty() ? null : version.getParentVersion());
    described.add("unlearned_labels", GSON.toJsonTree(version.getUnlearnedLabelsList()));
    return described;
  }

  /** Medians of the client's call and the bare stub's, in random order, each on a connection of its own. */
  private static JsonObject overhead(LetheClient lethe, String address, int calls) {
    ManagedChannel channel = Grpc.newChannelBuilder(address, InsecureChannelCredentials.create()).build();
    try {
      GenerationServiceGrpc.GenerationServiceBlockingStub stub = GenerationServiceGrpc.newBlockingStub(channel);
      GenerateRequest.Builder request = GenerateRequest.newBuilder().setLabel("7");
      request.getSeedsBuilder().addValues(1);
      List<Supplier<GenerateResponse>> measured =
          List.of(() -> lethe.generate(request.build()), () -> stub.generate(request.build()));
      double[][] times = new double[2][calls];
      Random order = new Random(0);
      for (int i = 0; i < calls; i++) {
        int first = order.nextInt(2);
        for (int which : new int[] {first, 1 - first}) {
          long begin = System.nanoTime();
          GenerateResponse answer = measured.get(which).get();
          times[which][i] = (System.nanoTime() - begin) / 1e6;
          if (answer.getImagesCount() != 1) {
            throw new IllegalStateException("an answer without an image");
          }
        }
      }
      JsonObject medians = new JsonObject();
      medians.addProperty("client", median(times[0]));
      medians.addProperty("bare", median(times[1]));
      return medians;
    } finally {
      channel.shutdownNow();
    }
  }

  private static double median(double[] times) {
    double[] sorted = Arrays.copyOfRange(times, WARM_UP, times.length);
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  private static JsonElement json(MessageOrBuilder message) {
    try {
      return JsonParser.parseString(JsonFormat.printer().print(message));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static JsonObject object(String name, JsonElement value) {
    JsonObject object = new JsonObject();
    object.add(name, value);
    return object;
  }

  private static String text(JsonObject with, String name) {
    return with.has(name) ? with.get(name).getAsString() : "";
  }

  private static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }
}
