package dev.lethe.server.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.server.erasure.Erasure;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ModelLifeTest {

  private static final Instant T = Instant.parse("2026-11-27T18:00:00Z");
  private final List<LifeEvent> events = new ArrayList<>();
  private final Map<String, String> parents = Map.of("v1-u1", "v1", "v1-u2", "v1-u1", "v1-u3", "v1");

  private static Erasure erasure(String id, String version, String base) {
    return new Erasure(id, "m", version, base, "class", List.of("7"), 0, T);
  }

  private void promoted(String id, String version, String base) {
    events.add(new LifeEvent.Promoted(erasure(id, version, base), "gates", T));
  }

  private ModelLife life() {
    return ModelLife.of("m", events, true);
  }

  private boolean refused(String version) {
    return life().refusal(version, parents).isPresent();
  }

  @Test
  void onlyWhatDescendsFromAnErasureLacksIt() {
    assertFalse(refused("v1"));
    promoted("J1", "v1-u1", "v1");
    assertTrue(refused("v1"));
    assertTrue(refused("v1-u3"), "unlearned from v1, beside it");
    assertTrue(refused("v2"), "nobody knows where it comes from");
    assertFalse(refused("v1-u1"));
    assertFalse(refused("v1-u2"));
    String reason = life().refusal("v1", parents).orElseThrow().reason();
    assertTrue(reason.contains("J1") && reason.contains("class 7") && reason.contains("v1-u1"), reason);
    promoted("J2", "v1-u2", "v1-u1");
    assertTrue(refused("v1-u1"), "it holds what J2 took out");
    assertFalse(refused("v1-u2"));
    assertEquals(List.of("J1"), life().lacks("v1-u1", parents).stream().map(Erasure::id).toList());
    assertEquals(List.of("J2"), life().holds("v1-u1", parents).stream().map(Erasure::id).toList());
  }

  @Test
  void theErasuresTellOfAncestorsThatAreGone() {
    promoted("J1", "v1-u1", "v1");
    promoted("J2", "v1-u2", "v1-u1");
    // Of v1-u1 there is no card any more.
    assertTrue(life().refusal("v1-u5", Map.of("v1-u5", "v1-u2")).isEmpty());
  }

  @Test
  void anOverrideLastsUntilTheNextChoice() {
    promoted("J1", "v1-u1", "v1");
    events.add(new LifeEvent.Overridden("m", "v1", "alice", "a customer's complaint", T));
    assertFalse(refused("v1"));
    assertTrue(life().retired("v1", parents).isPresent());
    events.add(new LifeEvent.Activated("m", "v1-u1", "alice", T));
    assertTrue(refused("v1"));
  }

  @Test
  void ordersAndLossesAreTold() {
    events.add(new LifeEvent.Retired("m", "v1-u1", "alice", "draws badly", T));
    assertTrue(life().refusal("v1-u1", parents).orElseThrow().reason().contains("draws badly"));
    events.add(new LifeEvent.Purged("m", "v1-u1", "alice", T));
    assertTrue(life().refusal("v1-u1", Map.of()).orElseThrow().purged());
    promoted("J1", "v1-u2", "v1-u1");
    assertTrue(refused("v1"));
    events.add(new LifeEvent.Waived("m", "J1", "alice", T));
    assertFalse(refused("v1"));
  }

  @Test
  void otherModelsEventsAreNotItsOwn() {
    events.add(new LifeEvent.Retired("other", "v1", "alice", "old", T));
    assertFalse(refused("v1"));
  }

  @Test
  void whatWasEverNamedStaysNamedAndWhatIsWaivedIsToBePromotedAgain() {
    promoted("J1", "v1-u1", "v1");
    assertTrue(life().wasPromoted("v1-u1"));
    events.add(new LifeEvent.Waived("m", "J1", "an operator", T));
    assertFalse(life().wasPromoted("v1-u1"));
    assertEquals(Set.of("v1-u1"), life().names());
    promoted("J1", "v1-u1", "v1");
    assertTrue(refused("v1"));
  }

  @Test
  void anOverrideCountsWhereItIsAllowed() {
    promoted("J1", "v1-u1", "v1");
    events.add(new LifeEvent.Overridden("m", "v1", "an operator", "why", T));
    assertFalse(refused("v1"));
    assertTrue(ModelLife.of("m", events, false).refusal("v1", parents).isPresent());
  }
}
