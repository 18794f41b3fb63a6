package dev.lethe.client.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.lethe.client.LetheClient;
import dev.lethe.client.console.Console;
import dev.lethe.client.console.OutPath;
import dev.lethe.client.console.Table;
import dev.lethe.client.image.Pictures;
import dev.lethe.client.image.Video;
import dev.lethe.client.numpy.NumpyFiles;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerateResponse;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.NoiseMode;
import dev.lethe.v1.Vector;
import dev.lethe.v1.Vectors;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lethe generate}. */
@Command(name = "generate", description = "Generates images and writes them to files.")
final class GenerateCommand implements Callable<Integer> {

  /** File formats that can be asked for. */
  enum Format {
    png(ImageFormat.IMAGE_FORMAT_PNG), jpeg(ImageFormat.IMAGE_FORMAT_JPEG);

    private final ImageFormat format;

    Format(ImageFormat format) {
      this.format = format;
    }
  }

  /** What --out may be named as a file. */
  private static final List<String> FILES = List.of(".png", ".jpg", ".jpeg", ".mp4 (a video of all images)");

  private final Console console;

  @Spec
  private CommandSpec command;

  @Mixin
  private ServerOptions server;

  @Mixin
  private Output output;

  @Option(names = "--model", defaultValue = "", description = "The model; default: the server's only one.")
  private String model;

  @Option(names = "--model-version", paramLabel = "VERSION", defaultValue = "",
      description = "A version of the model; default: the active one.")
  private String version;

  @Option(names = "--seeds", paramLabel = "LIST", converter = Seeds.Converter.class,
      description = "Seeds: 7, 0-7 or 1,4,10-12. Default: drawn at random.")
  private Seeds seeds;

  @Option(names = "--w", paramLabel = "FILE", split = ",",
      description = "Files of NumPy's, .npy or .npz, with the array w: [N, w_dim] or [N, num_ws, w_dim], as 'lethe project' "
          + "and the reference's projector write them. --psi and --label do not apply. Default:"
          + " seeds.")
  private List<Path> w = List.of();

  @Option(names = "--z", paramLabel = "FILE", split = ",", description = "The same with the array z, [N, z_dim]. Default:"
      + " seeds.")
  private List<Path> z = List.of();

  @Option(names = "--interpolate", paramLabel = "FRAMES",
      description = "Of two seeds, --w or --z or more: as many pictures on the way from each to the next, in w (of --z, in "
          + "z). With --out named .mp4 a video. Default: none.")
  private Integer frames;

  @Option(names = "--fps", paramLabel = "N", defaultValue = "30", description = "Pictures a second of a video. Default: 30.")
  private int framesPerSecond;

  @Option(names = "--noise-mode", completionCandidates = ProtoNames.NoiseModes.class,
      description = "Noise that synthesis adds: ${COMPLETION-CANDIDATES} (drawn afresh for each image). Default: const, the "
          + "model's own.")
  private NoiseMode noise;

  @Option(names = {"--rows", "--row-seeds"}, paramLabel = "LIST", converter = Seeds.Converter.class,
      description = "Style mixing, with --cols: of each pair of seeds the row's image with some layers of the column's, in "
          + "ROW-COL.png, and all of them in grid.png. Default: none.")
  private Seeds rows;

  @Option(names = {"--cols", "--col-seeds"}, paramLabel = "LIST", converter = Seeds.Converter.class,
      description = "Seeds of the columns. Default: none.")
  private Seeds columnSeeds;

  @Option(names = {"--styles", "--col-styles"}, paramLabel = "LAYERS", converter = StyleMixing.Layers.Converter.class,
      defaultValue = StyleMixing.DEFAULT_LAYERS,
      description = "Layers that take the column's w, from 0, the coarsest. Default: " + StyleMixing.DEFAULT_LAYERS + ".")
  private StyleMixing.Layers styles;

  @Option(names = "--label", paramLabel = "CLASS", defaultValue = "",
      description = "The class, by name or index; default: every class in turn.")
  private String label;

  @Option(names = {"--psi", "--trunc"},
      description = "Truncation, 0 to 2: less variety and fewer failures below 1. Default: 1.")
  private Float psi;

  @Option(names = {"-n", "--count"}, description = "How many images. Default: one for each seed.")
  private Integer count;

  @Option(names = "--format", description = "png or jpeg. Default: what --out's name says, or png.")
  private Format asked;

  @Option(names = {"--out", "--outdir"}, paramLabel = "PATH", defaultValue = "generated",
      description = "Folder to write the images to; with --grid, or named .png, .jpg or .jpeg for a single image, or .mp4 "
          + "for a video: the file. Default: generated, or generated.png with --grid.")
  private Path out;

  @Option(names = "--grid", description = "Write one PNG picture of all images. Default: a file for each.")
  private boolean grid;

  @Option(names = "--columns", defaultValue = "8", description = "Images in a row of the grid. Default: 8.")
  private int columns;

  GenerateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    checkOut();
    try (LetheClient lethe = server.connect()) {
      if (rows != null) {
        mix(lethe, new StyleMixing(rows, columnSeeds, styles));
        return 0;
      }
      return generate(lethe);
    }
  }

  private int generate(LetheClient lethe) throws IOException {
    try (Stream<GeneratedImage> stream = lethe.generateStream(requested(lethe))) {
      Iterator<GeneratedImage> images = stream.iterator();
      if (!images.hasNext()) {
        throw new IOException("the server sent no image");
      }
      if (isVideo(out)) {
        writeVideo(images);
      } else if (grid) {
        writeGrid(images);
      } else {
        writeEach(images);
      }
    }
    return 0;
  }

  /** Mixes styles of seeds: their w comes first, and goes back layer by layer. */
  private void mix(LetheClient lethe, StyleMixing mixing) throws IOException {
    GenerateResponse alone = lethe.generate(request().toBuilder().setIncludeW(true)
        .setSeeds(dev.lethe.v1.Seeds.newBuilder().addAllValues(mixing.seeds())).build());
    int wDim = JsonParser.parseString(lethe.card(alone.getModel(), alone.getVersion())).getAsJsonObject()
        .getAsJsonObject("network").get("w_dim").getAsInt();
    GenerateResponse mixed = lethe.generate(fromW(alone.getVersion()).setW(Vectors.newBuilder()
        .addAllValues(mixing.mixtures(alone.getImagesList(), wDim))).build());
    int columns = mixing.columns().values().size();
    List<Written> written = new ArrayList<>();
    List<BufferedImage> pictures = new ArrayList<>();
    List<GeneratedImage> ofSeeds = alone.getImagesList();
    int perRow = mixing.rows().values().size();
    BufferedImage first = Pictures.decode(ofSeeds.get(0).getImage());
    pictures.add(new BufferedImage(first.getWidth(), first.getHeight(), BufferedImage.TYPE_INT_RGB));
    for (GeneratedImage column : ofSeeds.subList(perRow, ofSeeds.size())) {
      pictures.add(Pictures.decode(column.getImage()));
    }
    try (WholeFiles files = WholeFiles.in(out)) {
      for (int r = 0; r < perRow; r++) {
        pictures.add(Pictures.decode(ofSeeds.get(r).getImage()));
        for (int c = 0; c < columns; c++) {
          GeneratedImage image = mixed.getImages(r * columns + c);
          pictures.add(Pictures.decode(image.getImage()));
          Path file = files.add(Integer.toUnsignedString(mixing.rows().values().get(r)) + "-"
              + Integer.toUnsignedString(mixing.columns().values().get(c)) + "." + format(),
              image.getImage().getData().toByteArray());
          written.add(new Written(file, image.toBuilder().clearImage().clearSeed().build()));
        }
      }
      written.add(new Written(files.add("grid.png", Pictures.png(
          Pictures.grid(pictures, columns + 1, Pictures.readableScale(first.getWidth())))), null));
      files.publish();
    }
    tell(written, mixed.getImagesCount() + " mixtures and grid.png in " + out);
  }

  /** Of w that go back to the version which they come from: truncation and class are in them. */
  private GenerateRequest.Builder fromW(String from) {
    return request().toBuilder().clearPsi().clearLabel().clearCount().clearSeeds().setVersion(from);
  }

  private GenerateRequest requested(LetheClient lethe) throws IOException {
    if (w.isEmpty() && z.isEmpty()) {
      return frames == null ? request() : between(lethe);
    }
    if (seeds != null || !w.isEmpty() && !z.isEmpty()) {
      throw new IOException("images come from one of --seeds, --z and --w");
    }
    List<float[]> latents = new ArrayList<>();
    for (Path file : w.isEmpty() ? z : w) {
      latents.addAll(NumpyFiles.latents(file, w.isEmpty() ? "z" : "w"));
    }
    Vectors vectors = vectors(frames == null ? latents : Interpolation.between(latents, frames));
    GenerateRequest.Builder request = request().toBuilder();
    return (w.isEmpty() ? request.setZ(vectors) : request.setW(vectors)).build();
  }

  /** From the w of each seed to that of the next. */
  private GenerateRequest between(LetheClient lethe) {
    GenerateResponse ends = lethe.generate(request().toBuilder().setIncludeW(true).build());
    List<float[]> latents = new ArrayList<>();
    for (GeneratedImage end : ends.getImagesList()) {
      float[] w = new float[end.getW().getValuesCount()];
      for (int i = 0; i < w.length; i++) {
        w[i] = end.getW().getValues(i);
      }
      latents.add(w);
    }
    return fromW(ends.getVersion()).setW(vectors(Interpolation.between(latents, frames))).build();
  }

  private static Vectors vectors(List<float[]> latents) {
    Vectors.Builder vectors = Vectors.newBuilder();
    for (float[] latent : latents) {
      Vector.Builder vector = vectors.addValuesBuilder();
      for (float value : latent) {
        vector.addValues(value);
      }
    }
    return vectors.build();
  }

  /** Before a server is asked for anything, and before a file is there. */
  private void checkOut() {
    if ((rows == null) != (columnSeeds == null)) {
      throw wrong("style mixing takes --rows and --cols; one of them is missing");
    }
    if (rows != null && (seeds != null || !w.isEmpty() || !z.isEmpty() || frames != null || count != null || grid
        || isImageName(out) || isVideo(out))) {
      throw wrong("style mixing takes its seeds from --rows and --cols, and writes its pictures into the folder that --out "
          + "names; leave out --seeds, --w, --z, --count, --interpolate and --grid");
    }
    if (frames != null && w.isEmpty() && z.isEmpty() && (seeds == null || seeds.values().size() < 2)
        && (count == null || count < 2)) {
      throw wrong("--interpolate goes from one latent to the next; name two or more with --seeds, --w or --z");
    }
    if (framesPerSecond < 1) {
      throw wrong("--fps is " + framesPerSecond + "; it must be 1 or more");
    }
    if (isVideo(out) && (grid || asked != null)) {
      throw wrong("--out " + out + " is a video; leave out --grid and --format");
    }
    if (grid && !isImageName(out)) {
      OutPath.extension(out).ifPresent(ending -> {
        throw wrong("--out " + out + ": a grid is a PNG file; name it .png");
      });
    }
    if (!grid && !isImageName(out) && !isVideo(out)) {
      OutPath.requireFolder(command, out, FILES);
      return;
    }
    OutPath.requireFile(command, grid ? gridFile() : out);
    if (!isImageName(out)) {
      return;
    }
    int images = frames != null ? 2 : count != null ? count : seeds != null ? seeds.values().size() : 1;
    if (!grid && images > 1) {
      throw wrong("--out " + out + " is one file, and "
          + (frames != null ? "more" : images) + " images are asked for; name a folder, "
          + "or add --grid");
    }
    if (asked != null && !grid && asked != formatOf(out)) {
      throw wrong("--out " + out + " is no name of a " + asked + " file, which --format asks for");
    }
    if (grid && formatOf(out) != Format.png) {
      throw wrong("--out " + out + ": a grid is a PNG file; name it .png");
    }
  }

  private ParameterException wrong(String why) {
    return new ParameterException(command.commandLine(), why);
  }

  private Format format() {
    return asked != null ? asked : isImageName(out) ? formatOf(out) : Format.png;
  }

  private static Format formatOf(Path file) {
    return String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT).endsWith(".png") ? Format.png : Format.jpeg;
  }

  GenerateRequest request() {
    GenerateRequest.Builder request = GenerateRequest.newBuilder()
        .setModel(model).setVersion(version).setLabel(label)
        .setFormat(grid ? ImageFormat.IMAGE_FORMAT_PNG : format().format);
    if (seeds != null) {
      request.getSeedsBuilder().addAllValues(seeds.values());
    }
    if (noise != null) {
      request.setNoiseMode(noise);
    }
    if (psi != null) {
      request.setPsi(psi);
    }
    if (count != null) {
      request.setCount(count);
    }
    return request.build();
  }

  private void writeGrid(Iterator<GeneratedImage> images) throws IOException {
    List<BufferedImage> pictures = new ArrayList<>();
    while (images.hasNext()) {
      pictures.add(Pictures.decode(images.next().getImage()));
    }
    Path file = gridFile();
    BufferedImage picture = Pictures.grid(pictures, Math.max(1, Math.min(columns, pictures.size())),
        Pictures.readableScale(pictures.get(0).getWidth()));
    write(file, Pictures.png(picture));
    tell(List.of(new Written(file, null)), pictures.size() + " images in " + file);
  }

  private Path gridFile() {
    return isImageName(out) ? out : out.resolveSibling(out.getFileName() + ".png");
  }

  private void writeVideo(Iterator<GeneratedImage> images) throws IOException {
    int pictures = 0;
    try (WholeFiles files = WholeFiles.of(out)) {
      try (Video video = new Video(files.unfinished(out.getFileName().toString()), framesPerSecond)) {
        for (; images.hasNext(); pictures++) {
          BufferedImage picture = Pictures.decode(images.next().getImage());
          video.add(picture, Pictures.readableScale(picture.getWidth()));
        }
        video.finish();
      }
      files.publish();
    }
    tell(List.of(new Written(out, null)), pictures + " pictures in " + out);
  }

  private void writeEach(Iterator<GeneratedImage> images) throws IOException {
    if (isImageName(out)) {
      GeneratedImage image = images.next();
      if (images.hasNext()) {
        throw new IOException("--out " + out + " is one file, and the server sends more than one image");
      }
      write(out, image.getImage().getData().toByteArray());
      tell(List.of(new Written(out, image)), describe(image) + " in " + out);
      return;
    }
    List<Written> written = new ArrayList<>();
    // Images that a broken stream has left behind are nobody's: all of them come to their places, or none.
    try (WholeFiles files = WholeFiles.in(out)) {
      while (images.hasNext()) {
        GeneratedImage image = images.next();
        Path file = files.add(fileName(image), image.getImage().getData().toByteArray());
        written.add(new Written(file, image.toBuilder().clearImage().build()));
      }
      files.publish();
    }
    tell(written, written.size() + (written.size() == 1 ? " image in " : " images in ") + out);
  }

  /** @param image null for a picture of several */
  private record Written(Path file, GeneratedImage image) {

    JsonObject json() {
      JsonObject json = new JsonObject();
      json.addProperty("file", file.toString());
      if (image != null) {
        json.addProperty("index", image.getIndex());
        json.addProperty("version", image.getVersion());
        if (image.hasLabel()) {
          json.addProperty("label", image.getLabel());
        }
        if (image.hasSeed()) {
          json.addProperty("seed", Integer.toUnsignedLong(image.getSeed()));
        }
      }
      return json;
    }
  }

  private void tell(List<Written> written, String sentence) {
    if (output.isJson()) {
      JsonArray all = new JsonArray();
      written.forEach(file -> all.add(file.json()));
      console.out().println(all);
    } else if (!output.isText()) {
      written.forEach(file -> console.out().println(file.file()));
    } else if (output.isWide()) {
      Table table = new Table("FILE", "VERSION", "LABEL", "SEED");
      written.forEach(file -> {
        JsonObject its = file.json();
        table.row(Stream.of("file", "version", "label", "seed")
            .map(name -> its.has(name) ? its.get(name).getAsString() : "").toArray(String[]::new));
      });
      table.print(console.out());
    } else if (!server.isQuiet()) {
      console.out().println(sentence);
    }
  }

  /** For example {@code 0003-7-seed42.png}: index, label, seed. */
  private String fileName(GeneratedImage image) {
    StringBuilder name = new StringBuilder(String.format("%04d", image.getIndex()));
    if (image.hasLabel()) {
      // A label is free text: what a path cannot hold is left out.
      name.append('-').append(image.getLabel().replaceAll("[^A-Za-z0-9._-]", "_"));
    }
    if (image.hasSeed()) {
      name.append("-seed").append(Integer.toUnsignedString(image.getSeed()));
    }
    return name.append('.').append(format()).toString();
  }

  private static String describe(GeneratedImage image) {
    return "version " + image.getVersion()
        + (image.hasLabel() ? ", label " + image.getLabel() : "")
        + (image.hasSeed() ? ", seed " + Integer.toUnsignedString(image.getSeed()) : "");
  }

  private static boolean isVideo(Path path) {
    return String.valueOf(path.getFileName()).toLowerCase(Locale.ROOT).endsWith(".mp4");
  }

  private static boolean isImageName(Path path) {
    return String.valueOf(path.getFileName()).toLowerCase(Locale.ROOT).matches(".*\\.(png|jpg|jpeg)");
  }

  private static void write(Path file, byte[] bytes) throws IOException {
    try (WholeFiles files = WholeFiles.of(file)) {
      files.add(file.getFileName().toString(), bytes);
      files.publish();
    }
  }
}
