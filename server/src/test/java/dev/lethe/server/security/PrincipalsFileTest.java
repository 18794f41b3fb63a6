package dev.lethe.server.security;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.server.config.ConfigurationException;
import dev.lethe.server.config.Mistake;
import dev.lethe.server.jobs.Phases;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrincipalsFileTest {

  // Of "test", by sha256sum.
  private static final String HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

  @TempDir
  Path directory;

  private PrincipalsFile read(String yaml) throws Exception {
    return PrincipalsFile.read(Files.writeString(directory.resolve("principals.yaml"), yaml), new Rates(7, 0));
  }

  @Test
  void findsPrincipalsByTokenAndCertificate() throws Exception {
    PrincipalsFile file = read("- {name: alice, roles: [generate, unlearn], token-sha256: " + HASH.toUpperCase()
        + ", images-per-second: 2.5}\n- {name: ops, roles: [generate, latents], certificate: ops.example}\n");
    assertEquals(Optional.of(new Principal("alice", Set.of(Role.GENERATE, Role.UNLEARN), new Rates(7, 2.5))),
        file.withToken("test"));
    assertEquals(Optional.of(new Principal("ops", Set.of(Role.GENERATE, Role.LATENTS),
        new Rates(7, 0))), file.withCertificate("ops.example"));
    assertEquals(Optional.empty(), file.withToken("Test"));
    assertEquals(Optional.empty(), file.withCertificate("alice"));
  }

  @Test
  void nobodyIsCalledAsTheHistoryOfJobsCallsTheServerAndItsWorkers() {
    assertTrue(Principal.isReserved(Phases.SERVER) && Principal.isReserved(Phases.WORKER));
  }

  @Test
  void tellsAllMistakes() {
    String yaml = """
        - {name: alice, roles: [admin], token-sha256: 12}
        - {name: bob, roles: generate, certificat: bob}
        - {roles: []}
        - {name: alice, roles: []}
        - {name: carol, roles: [], certificate: c, images-per-second: -1}
        - {name: dave, roles: [], certificate: c}
        - {name: Worker, roles: [unlearn], certificate: w}
        - {name: server, roles: [unlearn], certificate: s}
        """;
    String file = directory.resolve("principals.yaml") + ": ";
    assertEquals(List.of(
        file + "alice: there is no role \"admin\"; there are [generate, unlearn, operate, latents]",
        file + "alice: token-sha256 must be 64 hexadecimal digits: printf %s TOKEN | sha256sum",
        file + "bob: certificat is not known; there are"
            + " [certificate, images-per-second, name, requests-per-second, roles, token-sha256]",
        file + "bob: roles must be a list of [generate, unlearn, operate, latents]; [] for none",
        file + "bob: has neither token-sha256 nor certificate, so it can never be recognized",
        file + "principal 3: name is missing",
        file + "alice: is there twice",
        file + "carol: images-per-second must be a number of 0 (no limit) or more",
        file + "dave: has the same certificate as another principal",
        file + "Worker: is what the server calls itself or its workers in the history of jobs; choose another name",
        file + "server: is what the server calls itself or its workers in the history of jobs; choose another name"),
        assertThrows(ConfigurationException.class, () -> read(yaml)).mistakes().stream()
            .map(Mistake::toString).toList());
  }
}
