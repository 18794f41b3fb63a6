package dev.lethe.models.bundle;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.lethe.models.files.Digests;
import dev.lethe.models.files.WholeFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/**
 * One version of a model on disk: four graphs and their card. Immutable once {@code model.json} is in place. Models
 * that were imported may lack the last two graphs; {@link ModelCard#has} says so.
 *
 * <p>Inputs and outputs of the graphs (float32; N is free):
 *
 * <ul>
 *   <li>{@code mapping.onnx}: {@code z} [N, z_dim], {@code c} [N, classes] one-hot (conditional models only),
 *       {@code psi} [N, 1] → {@code ws} [N, num_ws, w_dim]
 *   <li>{@code synthesis.onnx}: {@code ws} → {@code image} [N, C, H, W], about [-1, 1]
 *   <li>{@code discriminator.onnx}: {@code image}, {@code c} (conditional models only) → {@code logits} [N, 1]; N is
 *       below or a multiple of the group of the minibatch standard deviation (4 unless the card says another)
 *   <li>{@code features.onnx}: {@code image} → {@code features} [N, F], {@code logits} [N, classes]
 * </ul>
 *
 * @param directory where it lies
 * @param card its {@code model.json}
 */
public record Bundle(Path directory, ModelCard card) {

  public static final String CARD = "model.json";
  public static final String MAPPING = "mapping.onnx";
  public static final String SYNTHESIS = "synthesis.onnx";
  public static final String DISCRIMINATOR = "discriminator.onnx";
  public static final String FEATURES = "features.onnx";

  private static final ObjectMapper JSON = new ObjectMapper()
      .enable(SerializationFeature.INDENT_OUTPUT)
      .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

  /**
   * Reads the card; {@link #verify} checks the files.
   *
   * @throws IOException if there is no readable card of a known format, with what to do
   */
  public static Bundle open(Path directory) throws IOException {
    ModelCard card;
    try {
      card = JSON.readValue(Files.readAllBytes(directory.resolve(CARD)), ModelCard.class);
    } catch (NoSuchFileException e) {
      throw new IOException(directory + " is no bundle: it has no " + CARD, e);
    } catch (JsonProcessingException e) {
      throw new IOException(directory.resolve(CARD) + " is not a model card: " + e.getOriginalMessage(), e);
    }
    if (!ModelCard.isReadable(card.formatVersion())) {
      throw new IOException(directory + " has bundle format " + card.formatVersion()
          + "; this Lethe reads formats up to "
          + ModelCard.FORMAT_VERSION);
    }
    return new Bundle(directory, card.upgraded());
  }

  /** True when a bundle was finished in this directory. */
  public static boolean isBundle(Path directory) {
    return Files.isRegularFile(directory.resolve(CARD));
  }

  /** Where it lies, for messages. */
  public String location() {
    return directory.toString();
  }

  public Path mapping() {
    return directory.resolve(MAPPING);
  }

  public Path synthesis() {
    return directory.resolve(SYNTHESIS);
  }

  public Path discriminator() {
    return directory.resolve(DISCRIMINATOR);
  }

  public Path features() {
    return directory.resolve(FEATURES);
  }

  /**
   * Checks that every file of the card is there, whole and unchanged.
   *
   * @throws IOException naming the first file that is not
   */
  public void verify() throws IOException {
    for (Map.Entry<String, String> expected : card.sha256().entrySet()) {
      Path file = directory.resolve(expected.getKey());
      if (!Files.isRegularFile(file)) {
        throw new IOException("bundle " + directory + " lacks " + expected.getKey());
      }
      if (!Digests.sha256(file).equals(expected.getValue())) {
        throw new IOException("bundle " + directory + ": " + expected.getKey()
            + " is damaged: its SHA-256 is not that of " + CARD);
      }
    }
  }

  /**
   * Finishes a bundle: hashes the graphs that already lie in {@code directory} and puts the card in place, atomically
   * and last.
   *
   * @param card its hashes are ignored and computed anew
   */
  public static Bundle seal(Path directory, ModelCard card) throws IOException {
    Map<String, String> hashes = new TreeMap<>();
    for (String file : new String[] {MAPPING, SYNTHESIS, DISCRIMINATOR, FEATURES}) {
      Path path = directory.resolve(file);
      if (Files.isRegularFile(path)) {
        hashes.put(file, Digests.sha256(path));
      }
    }
    ModelCard sealed = card.withSha256(hashes);
    WholeFile.write(directory.resolve(CARD), JSON.writeValueAsBytes(sealed));
    return new Bundle(directory, sealed);
  }
}
