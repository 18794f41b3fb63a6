package dev.lethe.server.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lethe.server.errors.DomainException;
import dev.lethe.server.store.Database;
import dev.lethe.server.store.DatabaseUrl;
import dev.lethe.server.store.StoreException;
import io.grpc.Status;
import io.grpc.Status.Code;
import java.nio.file.Path;
import java.sql.Statement;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FailureStatusTest {

  private static final Map<DomainException, Code> CODES = Map.of(
      new DomainException.Invalid("what"), Code.INVALID_ARGUMENT,
      new DomainException.NotFound("what"), Code.NOT_FOUND,
      new DomainException.AlreadyExists("what"), Code.ALREADY_EXISTS,
      new DomainException.Precondition("what"), Code.FAILED_PRECONDITION,
      new DomainException.Unauthenticated("what"), Code.UNAUTHENTICATED,
      new DomainException.PermissionDenied("what"), Code.PERMISSION_DENIED,
      new DomainException.Exhausted("what"), Code.RESOURCE_EXHAUSTED,
      new DomainException.Unavailable("what"), Code.UNAVAILABLE,
      new DomainException.Cancelled("what"), Code.CANCELLED,
      new DomainException.Failed("what"), Code.INTERNAL);

  @Test
  void eachKindHasItsCodeAndKeepsItsMessage() {
    assertEquals(Set.of(DomainException.class.getPermittedSubclasses()),
        CODES.keySet().stream().map(Object::getClass).collect(Collectors.toSet()), "a kind is not tested");
    CODES.forEach((error, code) -> {
      assertEquals(code, FailureStatus.of(error).getCode());
      assertEquals("what", FailureStatus.of(error).getDescription());
      assertEquals(Optional.of(code + ": what"), FailureStatus.text(error));
    });
  }

  @Test
  void theReasonIsLookedForAmongTheCauses() {
    Exception wrapped = new ExecutionException("outer", new DomainException.NotFound("inner"));
    assertEquals(Code.NOT_FOUND, FailureStatus.of(wrapped).getCode());
    assertEquals("inner", FailureStatus.of(wrapped).getDescription());
    // Of grpc-java's parsers.
    assertEquals(Code.INTERNAL, FailureStatus.of(new RuntimeException(Status.INTERNAL.asRuntimeException())).getCode());
  }

  /** Whoever asks, and whatever for. */
  @Test
  void aDatabaseThatFailsHasAStatusOfItsOwn(@TempDir Path root) throws Exception {
    try (Database database = Database.open(DatabaseUrl.sqlite(root.resolve("lethe.db")))) {
      StoreException full = assertThrows(StoreException.class, () -> database.transaction(connection -> {
        try (Statement statement = connection.createStatement()) {
          statement.execute("pragma max_page_count = 1");
          return statement.executeUpdate("insert into events values (1, 'x', 'x', hex(randomblob(1000000)))");
        }
      }));
      assertEquals(Code.RESOURCE_EXHAUSTED, FailureStatus.of(new ExecutionException(full)).getCode());
      assertEquals("the database has no space left", FailureStatus.of(full).getDescription());
    }
  }

  @Test
  void faultsHaveNoStatus() {
    for (Exception fault : List.of(new IllegalStateException("a fault"), new RuntimeException())) {
      assertEquals(Code.UNKNOWN, FailureStatus.of(fault).getCode());
      assertEquals(Optional.empty(), FailureStatus.text(fault));
    }
  }

  @Test
  void theTimeToWaitIsThatOfTheCause() {
    Duration wait = Duration.ofMillis(250);
    for (Throwable failure : Arrays.asList(new DomainException.Exhausted("what", wait),
        new RuntimeException(new DomainException.Exhausted("what", wait)))) {
      assertEquals(Optional.of(wait), FailureStatus.retryAfter(failure));
    }
    assertEquals(Optional.empty(), FailureStatus.retryAfter(new DomainException.Exhausted("what")));
    assertEquals(Optional.empty(), FailureStatus.retryAfter(new DomainException.Unavailable("what")));
  }
}
