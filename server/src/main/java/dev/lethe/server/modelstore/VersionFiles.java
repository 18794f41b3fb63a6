package dev.lethe.server.modelstore;

import dev.lethe.server.provenance.Statement.Resource;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** Files of one version by name. Blocks. */
public interface VersionFiles {

  /** The version's name. */
  String version();

  boolean has(String file);

  /** Empty if there is no such file. */
  Optional<byte[]> read(String file) throws IOException;

  /** Puts a file in place as a whole, or not at all; it is kept when this returns. */
  void write(String file, byte[] content) throws IOException;

  /** Takes a file away, if it is there. */
  void delete(String file) throws IOException;

  /**
   * All files but the signature, by name in order, with the SHA-256 of each.
   *
   * @throws dev.lethe.server.provenance.ProvenanceException if one may change without being written here: a link
   */
  List<Resource> digests() throws IOException;

  /** Where a file is, for messages. */
  String locate(String file);
}
