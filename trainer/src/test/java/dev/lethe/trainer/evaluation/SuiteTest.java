package dev.lethe.trainer.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SuiteTest {

  /** Results are files by these names. */
  @ParameterizedTest
  @EnumSource
  void everyRunHasANameOfItsOwn(Suite suite) {
    List<Cell> cells = suite.cells();
    Set<String> names = cells.stream().map(Cell::id).collect(Collectors.toSet());
    assertEquals(cells.size(), names.size());
    assertTrue(names.stream().allMatch(name -> name.matches("[a-z0-9.-]+")), names.toString());
  }

  @Test
  void eachHoldsTheOneBefore() {
    assertTrue(new HashSet<>(Suite.PAPER.cells()).containsAll(Suite.QUICK.cells()));
    assertTrue(new HashSet<>(Suite.FULL.cells()).containsAll(Suite.PAPER.cells()));
  }
}
