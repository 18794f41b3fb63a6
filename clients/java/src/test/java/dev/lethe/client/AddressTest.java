package dev.lethe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.grpc.Status;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class AddressTest {

  @Test
  void takesWhatUsersWrite() {
    assertEquals(new Address("host", 8080, Optional.empty()), Address.parse("host"));
    assertEquals(new Address("host", 9, Optional.empty()), Address.parse(" host:9 "));
    assertEquals(new Address("host", 80, Optional.of(false)), Address.parse("http://host"));
    assertEquals(new Address("10.0.0.1", 8080, Optional.of(false)), Address.parse("http://10.0.0.1:8080/"));
    assertEquals(new Address("host", 443, Optional.of(true)), Address.parse("https://host"));
    assertEquals(new Address("host", 8443, Optional.of(true)), Address.parse("HTTPS://host:8443"));
    assertEquals(new Address("::1", 8080, Optional.empty()), Address.parse("[::1]"));
    assertEquals(new Address("fe80::1%eth0", 80, Optional.of(false)), Address.parse("http://[fe80::1%eth0]"));
  }

  @Test
  void tlsIsAsTheAddressSays() {
    LetheException both = assertThrows(LetheException.class,
        () -> LetheClient.builder().address("http://host").tls().build());
    assertEquals(Status.Code.INVALID_ARGUMENT, both.code());
    assertEquals(Optional.of("address"), both.field());
    LetheException none = assertThrows(LetheException.class, () -> LetheClient.builder().address("grpc://host"));
    assertEquals(Optional.of("address"), none.field());
  }
}
