package dev.lethe.models.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibraryCacheTest {

  private static final Platform LINUX = Platform.of("Linux", "amd64");

  @TempDir Path temp;
  private Path classPath;
  private Path root;

  @BeforeEach
  void layOutClassPath() throws IOException {
    classPath = temp.resolve("classes");
    root = temp.resolve("cache");
    resource("org/bytedeco/onnxruntime/linux-x86_64/libonnxruntime.so.1", "cpu build");
    resource("org/bytedeco/onnxruntime/linux-x86_64/libonnxruntime_providers_shared.so", "shared");
    resource("ai/onnxruntime/native/linux-x64/libonnxruntime4j_jni.so", "jni");
  }

  @Test
  void extractsUnderTheNamesThatTheJavaApiAndTheLinkerAskFor() throws Exception {
    Path directory = cache().directory(LINUX);
    assertEquals("cpu build", Files.readString(directory.resolve("libonnxruntime.so")));
    assertEquals("cpu build", Files.readString(directory.resolve("libonnxruntime.so.1")));
    assertEquals("jni", Files.readString(directory.resolve("libonnxruntime4j_jni.so")));
    assertEquals("shared", Files.readString(directory.resolve("libonnxruntime_providers_shared.so")));
  }

  @Test
  void prefersTheBuildWithCudaAndTakesItsProvidersAlong() throws Exception {
    Path withoutCuda = cache().directory(LINUX);
    resource("org/bytedeco/onnxruntime/linux-x86_64-gpu/libonnxruntime.so.1", "gpu build");
    resource("org/bytedeco/onnxruntime/linux-x86_64-gpu/libonnxruntime_providers_shared.so", "gpu shared");
    resource("org/bytedeco/onnxruntime/linux-x86_64-gpu/libonnxruntime_providers_cuda.so", "cuda");
    Path directory = cache().directory(LINUX);
    assertNotEquals(withoutCuda, directory);
    assertEquals("gpu build", Files.readString(directory.resolve("libonnxruntime.so")));
    assertEquals("gpu shared", Files.readString(directory.resolve("libonnxruntime_providers_shared.so")));
    assertEquals("cuda", Files.readString(directory.resolve("libonnxruntime_providers_cuda.so")));
  }

  @Test
  void manyAtOnceShareOneFolder() throws Exception {
    int count = 8;
    ExecutorService pool = Executors.newFixedThreadPool(count);
    try {
      CyclicBarrier start = new CyclicBarrier(count);
      List<Future<Path>> results = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        results.add(pool.submit(() -> {
          start.await();
          return cache().directory(LINUX);
        }));
      }
      Set<Path> directories = new HashSet<>();
      for (Future<Path> result : results) {
        directories.add(result.get());
      }
      assertEquals(1, directories.size());
      try (Stream<Path> left = Files.list(root)) {
        assertEquals(List.copyOf(directories), left.toList(), "nothing partial stays behind");
      }
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void aDamagedLibraryIsNamed() throws Exception {
    Path directory = cache().directory(LINUX);
    Files.writeString(directory.resolve("libonnxruntime4j_jni.so"), "cut of");
    NativeRuntimeException e = assertThrows(NativeRuntimeException.class, () -> cache().directory(LINUX));
    assertTrue(e.getMessage().contains("libonnxruntime4j_jni.so is damaged. Delete " + directory), e.getMessage());
  }

  @Test
  void aMissingLibraryNamesTheArtifactToAdd() throws Exception {
    Files.delete(classPath.resolve("org/bytedeco/onnxruntime/linux-x86_64/libonnxruntime.so.1"));
    NativeRuntimeException e = assertThrows(NativeRuntimeException.class, () -> cache().directory(LINUX));
    assertTrue(e.getMessage().contains("org.bytedeco:onnxruntime with the classifier linux-x86_64"), e.getMessage());
  }

  @Test
  void aFolderThatCannotBeMadeNamesTheProperty() throws Exception {
    Files.writeString(root, "a file where the cache should be");
    NativeRuntimeException e = assertThrows(NativeRuntimeException.class, () -> cache().directory(LINUX));
    assertTrue(e.getMessage().contains("-Dlethe.native.cache=DIR"), e.getMessage());
  }

  @Test
  void unknownPlatformListsTheKnownOnes() {
    NativeRuntimeException e = assertThrows(NativeRuntimeException.class, () -> Platform.of("SunOS", "sparcv9"));
    assertTrue(e.getMessage().contains("linux-x86_64, linux-arm64, macosx-arm64"), e.getMessage());
  }

  private NativeLibraryCache cache() throws IOException {
    return new NativeLibraryCache(root, new URLClassLoader(new URL[] {classPath.toUri().toURL()}, null));
  }

  private void resource(String name, String contents) throws IOException {
    Path file = classPath.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, contents);
  }

  @Test
  void theCacheIsWhereTheEnvironmentSaysAndNeverInAFolderCalledQuestionMark() {
    assertEquals(Path.of("/xdg/lethe/native"),
        NativeRuntime.cacheRoot(Map.of("XDG_CACHE_HOME", "/xdg", "HOME", "/home/me"), "/home/me"));
    // A user of a container that its system has no entry for.
    assertEquals(Path.of("/home/me/.cache/lethe/native"), NativeRuntime.cacheRoot(Map.of("HOME", "/home/me"), "?"));
    assertEquals(Path.of("/home/me/.cache/lethe/native"), NativeRuntime.cacheRoot(Map.of(), "/home/me"));
    for (String none : new String[] {"?", null}) {
      NativeRuntimeException e = assertThrows(NativeRuntimeException.class,
          () -> NativeRuntime.cacheRoot(Map.of("HOME", " "), none));
      assertTrue(e.getMessage().contains("-Dlethe.native.cache=DIR"), e.getMessage());
    }
  }
}
