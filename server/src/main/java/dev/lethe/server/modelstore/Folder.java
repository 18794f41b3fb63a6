package dev.lethe.server.modelstore;

import dev.lethe.models.files.WholeFile;
import dev.lethe.server.provenance.ModelSignature;
import dev.lethe.server.provenance.Statement.Resource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The files of a version in a folder of its name. */
record Folder(Path path) implements VersionFiles {

  private static final long LARGEST = 64 << 20;

  @Override
  public String version() {
    return path.getFileName().toString();
  }

  @Override
  public boolean has(String file) {
    return Files.isRegularFile(path.resolve(file));
  }

  @Override
  public Optional<byte[]> read(String file) throws IOException {
    Path read = path.resolve(file);
    try {
      if (Files.size(read) > LARGEST) {
        throw new IOException(read + " is larger than anything that belongs beside a model's networks");
      }
      return Optional.of(Files.readAllBytes(read));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  @Override
  public void write(String file, byte[] content) throws IOException {
    Files.createDirectories(path);
    WholeFile.write(path.resolve(file), content);
  }

  @Override
  public void delete(String file) throws IOException {
    Files.deleteIfExists(path.resolve(file));
  }

  @Override
  public List<Resource> digests() throws IOException {
    return ModelSignature.files(path);
  }

  @Override
  public String locate(String file) {
    return path.resolve(file).toString();
  }
}
