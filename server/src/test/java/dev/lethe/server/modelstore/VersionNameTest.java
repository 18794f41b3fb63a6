package dev.lethe.server.modelstore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.Chars;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

class VersionNameTest {

  @Test
  void numbersCountAsNumbers() {
    assertEquals(List.of("1", "2", "10", "v1", "v1-u1", "v1-u2", "v1-u10", "v2"),
        List.of("v2", "v1-u10", "10", "v1-u1", "2", "v1", "1", "v1-u2").stream().sorted(VersionName.NATURAL).toList());
  }

  @Property
  void orderIsTotalAndTellsNamesApart(@ForAll @StringLength(max = 6) @Chars({'a', '-', '0'}) @CharRange(from = '1',
      to = '3') String a, @ForAll @StringLength(max = 6) @Chars({'a', '-', '0', '1'}) String b,
      @ForAll @StringLength(max = 6) @Chars({'a', '0', '1'}) String c) {
    int ab = VersionName.NATURAL.compare(a, b);
    assertEquals(Integer.signum(ab), -Integer.signum(VersionName.NATURAL.compare(b, a)));
    assertEquals(a.equals(b), ab == 0);
    if (ab <= 0 && VersionName.NATURAL.compare(b, c) <= 0) {
      assertTrue(VersionName.NATURAL.compare(a, c) <= 0, a + " " + b + " " + c);
    }
  }

  @Test
  void unlearnedVersionsAreCounted() {
    assertEquals("v1-u1", VersionName.next("v1", Set.of("v1")));
    assertEquals("v1-u2", VersionName.next("v1-u1", Set.of("v1", "v1-u1")));
    assertEquals("v1-u3", VersionName.next("v1", Set.of("v1", "v1-u1", "v1-u2")));
    assertEquals("a-u-u1", VersionName.next("a-u", Set.of()));
  }
}
