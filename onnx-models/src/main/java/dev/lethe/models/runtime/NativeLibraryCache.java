package dev.lethe.models.runtime;

import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import java.util.zip.CRC32;

/**
 * The native libraries of the class path as files: one folder for each set of libraries, made once and then shared by
 * all processes. A folder is filled under another name and renamed when complete, so that nobody sees half of one and
 * processes that start together need no lock.
 */
final class NativeLibraryCache {

  /**
   * A library on the class path.
   *
   * @param file its name in the folder
   * @param source where it is read from
   * @param size bytes
   * @param stamp changes with the contents: the jar's checksum, or the time of a plain file
   */
  private record Library(String file, URL source, long size, long stamp) {}

  private final Path root;
  private final ClassLoader classes;

  NativeLibraryCache(Path root, ClassLoader classes) {
    this.root = root;
    this.classes = classes;
  }

  /**
   * The folder with the training build, the JNI library and the providers of this platform, extracted if need be.
   *
   * @throws NativeRuntimeException if a library is not on the class path or the folder cannot be written
   */
  Path directory(Platform platform) {
    List<Library> libraries;
    try {
      libraries = find(platform);
    } catch (IOException e) {
      throw new NativeRuntimeException("Cannot read the native libraries from the class path: " + e.getMessage(), e);
    }
    Path directory = root.resolve(name(platform, libraries));
    try {
      if (!Files.isDirectory(directory)) {
        extract(platform, libraries, directory);
      }
      check(libraries, directory);
      return directory;
    } catch (IOException e) {
      throw new NativeRuntimeException("Cannot extract the native libraries to " + directory + " (" + e
          + "). Make that place writable or name another with -D" + NativeRuntime.CACHE_PROPERTY + "=DIR.", e);
    }
  }

  private List<Library> find(Platform platform) throws IOException {
    // The build with CUDA comes in a folder of its own; where both jars are there, the one that can do more is meant.
    String presets = "org/bytedeco/onnxruntime/" + platform.presets();
    String folder = classes.getResource(presets + "-gpu/" + platform.runtimeLibrary()) != null
        ? presets + "-gpu" : presets;
    List<Library> libraries = new ArrayList<>();
    libraries.add(required(folder, platform.runtimeLibrary(),
        "org.bytedeco:onnxruntime with the classifier " + platform.presets()));
    libraries.add(required("ai/onnxruntime/native/" + platform.jni(), platform.jniLibrary(),
        "com.microsoft.onnxruntime:onnxruntime"));
    // ONNX Runtime loads these from the folder that it was itself loaded from.
    for (String provider : List.of("onnxruntime_providers_shared", "onnxruntime_providers_cuda")) {
      URL source = classes.getResource(folder + "/" + platform.library(provider));
      if (source != null) {
        libraries.add(library(platform.library(provider), source));
      }
    }
    return libraries;
  }

  private Library required(String folder, String file, String artifact) throws IOException {
    URL source = classes.getResource(folder + "/" + file);
    if (source == null) {
      throw new NativeRuntimeException("The class path has no " + folder + "/" + file + ". Add the Maven artifact "
          + artifact + ", or name a folder with the native libraries with -D" + NativeRuntime.PATH_PROPERTY + "=DIR.");
    }
    return library(file, source);
  }

  private static Library library(String file, URL source) throws IOException {
    URLConnection connection = source.openConnection();
    if (connection instanceof JarURLConnection jar) {
      return new Library(file, source, jar.getJarEntry().getSize(), jar.getJarEntry().getCrc());
    }
    // A file: connection opens the file when asked for its length.
    try (InputStream opened = connection.getInputStream()) {
      return new Library(file, source, connection.getContentLengthLong(), connection.getLastModified());
    }
  }

  private static String name(Platform platform, List<Library> libraries) {
    CRC32 key = new CRC32();
    for (Library library : libraries) {
      key.update((library.file + ":" + library.size + ":" + library.stamp + "\n").getBytes(StandardCharsets.UTF_8));
    }
    return "onnxruntime-%s-%08x".formatted(platform.presets(), key.getValue());
  }

  private void extract(Platform platform, List<Library> libraries, Path directory) throws IOException {
    Files.createDirectories(root);
    Path partial = Files.createDirectory(root.resolve(".partial-" + UUID.randomUUID()));
    try {
      for (Library library : libraries) {
        try (InputStream in = library.source.openStream()) {
          Files.copy(in, partial.resolve(library.file));
        }
      }
      Files.createSymbolicLink(
          partial.resolve(platform.unversionedRuntimeLibrary()), Path.of(platform.runtimeLibrary()));
      try {
        Files.move(partial, directory, StandardCopyOption.ATOMIC_MOVE);
      } catch (FileSystemException e) {
        if (!Files.isDirectory(directory)) {
          throw e;
        }
        // Another process was faster; what it made is the same.
      }
    } finally {
      delete(partial);
    }
  }

  private static void check(List<Library> libraries, Path directory) throws IOException {
    for (Library library : libraries) {
      Path file = directory.resolve(library.file);
      if (!Files.isRegularFile(file) || Files.size(file) != library.size) {
        throw new NativeRuntimeException("The native library " + file + " is damaged. Delete " + directory
            + " and start again.");
      }
    }
  }

  private static void delete(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
