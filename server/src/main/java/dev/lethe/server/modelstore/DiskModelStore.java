package dev.lethe.server.modelstore;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.BundleName;
import dev.lethe.models.files.FileTrees;
import dev.lethe.models.files.WholeFile;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Bundles on disk: {@code DIR/MODEL/VERSION/}, in a directory of shipped models that is only read and a state directory
 * where new versions go. {@code DIR/MODEL/active} names the version to serve; the state directory's comes first.
 */
public final class DiskModelStore implements ModelStore {

  private static final Logger LOG = LoggerFactory.getLogger(DiskModelStore.class);
  private static final String ACTIVE = "active";
  /** The card of a version whose files are being deleted. */
  private static final String PURGING = Bundle.CARD + ".purging";

  private final Path shipped;
  private final Path state;
  private final Set<String> told = ConcurrentHashMap.newKeySet();

  /**
   * @param shipped models that came with the installation
   * @param state made when the first version is installed
   */
  public DiskModelStore(Path shipped, Path state) {
    this.shipped = shipped.toAbsolutePath().normalize();
    this.state = state.toAbsolutePath().normalize();
  }

  @Override
  public SortedSet<String> models() throws IOException {
    SortedSet<String> models = new TreeSet<>();
    for (Path root : List.of(shipped, state)) {
      for (Path directory : directories(root)) {
        String model = directory.getFileName().toString();
        if (isName(directory, "model", holdsBundles(directory)) && !versions(model).isEmpty()) {
          models.add(model);
        }
      }
    }
    return models;
  }

  private static boolean holdsBundles(Path directory) throws IOException {
    return directories(directory).stream().anyMatch(Bundle::isBundle);
  }

  @Override
  public NavigableMap<String, Bundle> versions(String model) throws IOException {
    NavigableMap<String, Bundle> versions = new TreeMap<>(VersionName.NATURAL);
    unreadable(model, versions).values().forEach(reason -> tell("left out: " + reason));
    return versions;
  }

  @Override
  public Map<String, String> unreadable(String model) throws IOException {
    return unreadable(model, new TreeMap<>());
  }

  /** Collects the bundles of a model; the reasons why others cannot be read, by version. */
  private NavigableMap<String, String> unreadable(String model, Map<String, Bundle> readable) throws IOException {
    NavigableMap<String, String> unreadable = new TreeMap<>(VersionName.NATURAL);
    for (Path root : List.of(state, shipped)) {
      for (Path directory : directories(root.resolve(model))) {
        if (Bundle.isBundle(directory) && isName(directory, "version", true)) {
          try {
            readable.put(directory.getFileName().toString(), open(directory, model));
          } catch (IOException e) {
            unreadable.put(directory.getFileName().toString(), e.getMessage());
          }
        }
      }
    }
    return unreadable;
  }

  /** Whether a folder can be a model or a version by its name; says so if it cannot, and holds something. */
  private boolean isName(Path directory, String what, boolean holdsSomething) {
    String name = directory.getFileName().toString();
    boolean valid = BundleName.isValid(name);
    if (!valid && holdsSomething) {
      tell("left out: " + directory + " cannot be a " + what + " by its name: that has " + BundleName.RULE);
    }
    return valid;
  }

  /** Folders are looked at again and again; what is wrong with one is told once. */
  private void tell(String warning) {
    if (told.add(warning)) {
      LOG.warn("{}", warning);
    }
  }

  @Override
  public void requireNewest(String model) throws IOException {
    for (Path root : List.of(state, shipped)) {
      if (pointer(root.resolve(model)).isPresent()) {
        return;
      }
    }
    NavigableMap<String, Bundle> readable = new TreeMap<>(VersionName.NATURAL);
    Map.Entry<String, String> newest = unreadable(model, readable).lastEntry();
    if (newest != null && (readable.isEmpty()
        || VersionName.NATURAL.compare(newest.getKey(), readable.lastKey()) > 0)) {
      throw new IOException("version " + newest.getKey() + " of " + model + " is the newest, and cannot be read: "
          + newest.getValue());
    }
  }

  private static Bundle open(Path directory, String model) throws IOException {
    Bundle bundle = Bundle.open(directory);
    String version = directory.getFileName().toString();
    if (!bundle.card().name().equals(model) || !bundle.card().version().equals(version)) {
      throw new IOException(directory + " holds version " + bundle.card().version() + " of " + bundle.card().name()
          + ": a bundle must lie in MODEL/VERSION/ by the names of its card");
    }
    return bundle;
  }

  @Override
  public Optional<String> chosen(String model) throws IOException {
    for (Path root : List.of(state, shipped)) {
      Optional<String> named = pointer(root.resolve(model));
      if (named.isPresent()) {
        return named;
      }
    }
    return Optional.empty();
  }

  @Override
  public Set<String> known() throws IOException {
    Set<String> models = new TreeSet<>(models());
    directories(state).forEach(directory -> models.add(directory.getFileName().toString()));
    return models;
  }

  @Override
  public boolean isEmpty() throws IOException {
    return directories(state).isEmpty();
  }

  @Override
  public boolean isOwn(Bundle version) {
    return version.directory().startsWith(state);
  }

  @Override
  public VersionFiles files(Bundle version) {
    return new Folder(version.directory());
  }

  @Override
  public VersionFiles files(String model, String version) {
    Path read = shipped.resolve(model).resolve(version);
    return Files.isDirectory(read) ? new Folder(read) : proof(model, version);
  }

  @Override
  public VersionFiles proof(String model, String version) {
    return new Folder(state.resolve(model).resolve(version));
  }

  @Override
  public URI uri(Bundle version) {
    return version.directory().toUri();
  }

  @Override
  public Set<String> taken(String model) throws IOException {
    Set<String> taken = new TreeSet<>(VersionName.NATURAL);
    for (Path root : List.of(shipped, state)) {
      directories(root.resolve(model)).forEach(directory -> taken.add(directory.getFileName().toString()));
    }
    return taken;
  }

  @Override
  public void beginPurge(Bundle version) throws IOException {
    Files.move(version.directory().resolve(Bundle.CARD), version.directory().resolve(PURGING),
        StandardCopyOption.ATOMIC_MOVE);
  }

  @Override
  public Set<String> purging(String model) throws IOException {
    Set<String> purging = new TreeSet<>(VersionName.NATURAL);
    for (Path directory : directories(state.resolve(model))) {
      // One that was put back meanwhile is a version.
      if (Files.isRegularFile(directory.resolve(PURGING)) && !Bundle.isBundle(directory)) {
        purging.add(directory.getFileName().toString());
      }
    }
    return purging;
  }

  @Override
  public List<String> finishPurge(String model, String version, Predicate<String> keep) throws IOException {
    Path directory = state.resolve(model).resolve(version);
    List<Path> files;
    try (Stream<Path> all = Files.list(directory)) {
      files = all.filter(Files::isRegularFile).toList();
    }
    List<String> deleted = new ArrayList<>();
    for (Path file : files) {
      String name = file.getFileName().toString();
      if (!keep.test(name) && !name.equals(PURGING)) {
        Files.deleteIfExists(file);
        deleted.add(name);
      }
    }
    // Last: for as long as it is there, the rest is known to be deleted still.
    if (Files.deleteIfExists(directory.resolve(PURGING))) {
      deleted.add(Bundle.CARD);
    }
    return deleted;
  }

  @Override
  public String toString() {
    return shipped + " or " + state;
  }

  private static Optional<String> pointer(Path directory) throws IOException {
    try {
      return Optional.of(Files.readString(directory.resolve(ACTIVE)).strip());
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  @Override
  public void choose(String model, String version) throws IOException {
    Path directory = Files.createDirectories(state.resolve(model));
    WholeFile.write(directory.resolve(ACTIVE), (version + "\n").getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public Bundle install(Bundle candidate) throws IOException {
    String model = candidate.card().name();
    String version = candidate.card().version();
    if (!BundleName.isValid(model) || !BundleName.isValid(version)) {
      throw new IOException("a model or version cannot be named \"" + model + "\", \"" + version + "\"");
    }
    NavigableMap<String, Bundle> versions = versions(model);
    if (versions.containsKey(version)) {
      throw new IOException("model " + model + " has a version " + version + " already");
    }
    if (!versions.isEmpty() && chosen(model).isEmpty()) {
      // Else the newest would be served from the next start on, though nobody has promoted it.
      choose(model, versions.lastKey());
    }
    Path target = Files.createDirectories(state.resolve(model)).resolve(version);
    move(candidate.directory(), target);
    return Bundle.open(target);
  }

  private static void move(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
      return;
    } catch (AtomicMoveNotSupportedException e) {
      LOG.debug("{} and {} are on two file systems: copying", from, to);
    }
    // No name that starts with a dot is a version, so nobody takes the copy for one before it is whole.
    Path copy = to.resolveSibling("." + to.getFileName() + ".copy");
    FileTrees.delete(copy);
    Files.createDirectory(copy);
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName().toString()));
      }
    }
    Files.move(copy, to, StandardCopyOption.ATOMIC_MOVE);
    FileTrees.delete(from);
  }

  private static List<Path> directories(Path parent) throws IOException {
    try (Stream<Path> entries = Files.list(parent)) {
      // What is hidden is not meant: copies that are not finished, and other programs' own.
      return entries.filter(Files::isDirectory)
          .filter(entry -> !entry.getFileName().toString().startsWith("."))
          .toList();
    } catch (FileSystemException e) {
      if (Files.isDirectory(parent)) {
        throw e;
      }
      return List.of();
    }
  }
}
