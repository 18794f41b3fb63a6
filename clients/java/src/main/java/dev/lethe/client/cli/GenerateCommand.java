package dev.lethe.client.cli;

import dev.lethe.client.LetheClient;
import dev.lethe.client.console.Console;
import dev.lethe.client.image.Pictures;
import dev.lethe.client.numpy.NumpyFiles;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.Vector;
import dev.lethe.v1.Vectors;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

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

  private final Console console;

  @Mixin
  private ServerOptions server;

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
          + "and the reference's projector write them. --psi and --label do not apply.")
  private List<Path> w = List.of();

  @Option(names = "--z", paramLabel = "FILE", split = ",", description = "The same with the array z, [N, z_dim].")
  private List<Path> z = List.of();

  @Option(names = "--interpolate", paramLabel = "FRAMES",
      description = "With --w or --z of two latents or more: as many pictures on the way from each to the next.")
  private Integer frames;

  @Option(names = "--label", paramLabel = "CLASS", defaultValue = "",
      description = "The class, by name or index; default: every class in turn.")
  private String label;

  @Option(names = {"--psi", "--trunc"}, description = "Truncation, 0 to 2: less variety and fewer failures below 1. Default: 1.")
  private Float psi;

  @Option(names = {"-n", "--count"}, description = "How many images. Default: one for each seed.")
  private Integer count;

  @Option(names = "--format", defaultValue = "png", description = "png or jpeg. Default: png.")
  private Format format;

  @Option(names = {"-o", "--out", "--outdir"}, paramLabel = "PATH", defaultValue = "generated",
      description = "Folder to write the images to; with --grid, or named .png, .jpg or .jpeg for a single image: the "
          + "file. Default: generated, or generated.png with --grid.")
  private Path out;

  @Option(names = "--grid", description = "Write one PNG picture of all images.")
  private boolean grid;

  @Option(names = "--columns", defaultValue = "8", description = "Images in a row of the grid. Default: 8.")
  private int columns;

  GenerateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    try (LetheClient lethe = server.connect(); Stream<GeneratedImage> stream = lethe.generateStream(requested())) {
      Iterator<GeneratedImage> images = stream.iterator();
      if (!images.hasNext()) {
        throw new IOException("the server sent no image");
      }
      if (grid) {
        writeGrid(images);
      } else {
        writeEach(images);
      }
    }
    return 0;
  }

  private GenerateRequest requested() throws IOException {
    if (w.isEmpty() && z.isEmpty()) {
      if (frames != null) {
        throw new IOException("--interpolate goes between latents of files; name them with --w or --z");
      }
      return request();
    }
    if (seeds != null || !w.isEmpty() && !z.isEmpty()) {
      throw new IOException("images come from one of --seeds, --z and --w");
    }
    List<float[]> latents = new ArrayList<>();
    for (Path file : w.isEmpty() ? z : w) {
      latents.addAll(NumpyFiles.latents(file, w.isEmpty() ? "z" : "w"));
    }
    Vectors.Builder vectors = Vectors.newBuilder();
    (frames == null ? latents : Interpolation.between(latents, frames)).forEach(latent -> {
      Vector.Builder vector = vectors.addValuesBuilder();
      for (float value : latent) {
        vector.addValues(value);
      }
    });
    GenerateRequest.Builder request = request().toBuilder();
    return (w.isEmpty() ? request.setZ(vectors) : request.setW(vectors)).build();
  }

  GenerateRequest request() {
    GenerateRequest.Builder request = GenerateRequest.newBuilder()
        .setModel(model).setVersion(version).setLabel(label)
        .setFormat(grid ? ImageFormat.IMAGE_FORMAT_PNG : format.format);
    if (seeds != null) {
      request.getSeedsBuilder().addAllValues(seeds.values());
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
    Path file = isImageName(out) ? out : out.resolveSibling(out.getFileName() + ".png");
    BufferedImage picture = Pictures.grid(pictures, Math.max(1, Math.min(columns, pictures.size())),
        Pictures.readableScale(pictures.get(0).getWidth()));
    write(file, Pictures.png(picture));
    console.out().println(pictures.size() + " images in " + file);
  }

  private void writeEach(Iterator<GeneratedImage> images) throws IOException {
    if (isImageName(out)) {
      GeneratedImage image = images.next();
      write(out, image.getImage().getData().toByteArray());
      if (images.hasNext()) {
        throw new IOException("--out " + out + " is one file, but the server sends more than one image; name a folder, "
            + "or add --grid");
      }
      console.out().println(describe(image) + " in " + out);
      return;
    }
    int written = 0;
    while (images.hasNext()) {
      GeneratedImage image = images.next();
      write(out.resolve(fileName(image)), image.getImage().getData().toByteArray());
      written++;
    }
    console.out().println(written + (written == 1 ? " image in " : " images in ") + out);
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
    return name.append('.').append(format).toString();
  }

  private static String describe(GeneratedImage image) {
    return "version " + image.getVersion()
        + (image.hasLabel() ? ", label " + image.getLabel() : "")
        + (image.hasSeed() ? ", seed " + Integer.toUnsignedString(image.getSeed()) : "");
  }

  private static boolean isImageName(Path path) {
    return path.getFileName().toString().toLowerCase(Locale.ROOT).matches(".*\\.(png|jpg|jpeg)");
  }

  private static void write(Path file, byte[] bytes) throws IOException {
    if (file.toAbsolutePath().getParent() != null) {
      Files.createDirectories(file.toAbsolutePath().getParent());
    }
    Files.write(file, bytes);
  }
}
