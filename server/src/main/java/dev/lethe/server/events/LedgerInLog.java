package dev.lethe.server.events;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lethe.server.erasure.Erasure;
import dev.lethe.server.lifecycle.Ledger;
import dev.lethe.server.lifecycle.LifeEvent;
import dev.lethe.server.lifecycle.LifeEvent.Activated;
import dev.lethe.server.lifecycle.LifeEvent.Certified;
import dev.lethe.server.lifecycle.LifeEvent.Overridden;
import dev.lethe.server.lifecycle.LifeEvent.Promoted;
import dev.lethe.server.lifecycle.LifeEvent.Purged;
import dev.lethe.server.lifecycle.LifeEvent.Retired;
import dev.lethe.server.lifecycle.LifeEvent.Waived;
import dev.lethe.server.store.Database;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The lives of versions, as lines of the event log. */
public final class LedgerInLog implements Ledger {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String CERTIFIED = "certified";
  private static final String PROMOTED = "promoted";
  private static final String ACTIVATED = "activated";
  private static final String OVERRIDDEN = "overridden";
  private static final String RETIRED = "retired";
  private static final String PURGED = "purged";
  private static final String WAIVED = "waived";

  private static final List<String> KINDS = List.of(PROMOTED, ACTIVATED, OVERRIDDEN, RETIRED, PURGED, WAIVED);

  private final EventLog log;

  public LedgerInLog(EventLog log) {
    this.log = log;
  }

  @Override
  public void append(List<? extends LifeEvent> events) {
    log.append(entries(events));
  }

  @Override
  public void appendAfter(Optional<Head> seen, List<? extends LifeEvent> events, Database.Work<?> with) {
    log.append(entries(events), connection -> {
      if (!EventLog.ofKinds(connection, KINDS, number(seen)).isEmpty()) {
        throw new OutdatedException();
      }
      return with.run(connection);
    });
  }

  private static List<EventLog.Entry> entries(List<? extends LifeEvent> events) {
    return events.stream().map(LedgerInLog::entry).toList();
  }

  private static long number(Optional<Head> line) {
    return line.map(Head::number).orElse(Long.MIN_VALUE);
  }

  private static EventLog.Entry entry(LifeEvent event) {
    ObjectNode fields = JSON.createObjectNode().put("model", event.model()).put("by", event.by());
    String kind;
    if (event instanceof Certified told) {
      kind = CERTIFIED;
      fields.put("version", told.version());
    } else if (event instanceof Promoted told) {
      kind = PROMOTED;
      Erasure erasure = told.erasure();
      fields.put("version", erasure.version()).put("erasure", erasure.id()).put("base", erasure.base())
          .put("erased", erasure.kind()).put("images", erasure.images()).put("promoted", erasure.promoted().toString());
      erasure.classes().forEach(fields.putArray("classes")::add);
    } else if (event instanceof Activated told) {
      kind = ACTIVATED;
      fields.put("version", told.version());
    } else if (event instanceof Overridden told) {
      kind = OVERRIDDEN;
      fields.put("version", told.version()).put("reason", told.reason());
    } else if (event instanceof Retired told) {
      kind = RETIRED;
      fields.put("version", told.version()).put("reason", told.reason());
    } else if (event instanceof Purged told) {
      kind = PURGED;
      fields.put("version", told.version());
    } else if (event instanceof Waived told) {
      kind = WAIVED;
      fields.put("erasure", told.erasure());
    } else {
      throw new IllegalArgumentException("an event of a kind that nobody writes: " + event);
    }
    return new EventLog.Entry(kind, event.time(), fields);
  }

  @Override
  public void await() {
    log.await();
  }

  @Override
  public List<LifeEvent> events() {
    List<LifeEvent> events = new ArrayList<>();
    // Of what is being promoted no life tells yet.
    for (Line line : log.ofKinds(KINDS)) {
      events.add(read(line.content()));
    }
    return events;
  }

  @Override
  public boolean hasEventsAfter(Optional<Head> line) {
    return !log.ofKinds(KINDS, number(line)).isEmpty();
  }

  private static LifeEvent read(JsonNode line) {
    String model = line.path("model").asText();
    String version = line.path("version").asText();
    String by = line.path("by").asText();
    String reason = line.path("reason").asText();
    Instant time = Instant.parse(line.path("time").asText());
    return switch (line.path("event").asText()) {
      case PROMOTED -> {
        List<String> classes = new ArrayList<>();
        line.path("classes").forEach(name -> classes.add(name.asText()));
        yield new Promoted(new Erasure(line.path("erasure").asText(), model, version, line.path("base").asText(),
            line.path("erased").asText(), classes, line.path("images").asInt(),
            Instant.parse(line.path("promoted").asText())), by, time);
      }
      case ACTIVATED -> new Activated(model, version, by, time);
      case OVERRIDDEN -> new Overridden(model, version, by, reason, time);
      case RETIRED -> new Retired(model, version, by, reason, time);
      case PURGED -> new Purged(model, version, by, time);
      case WAIVED -> new Waived(model, line.path("erasure").asText(), by, time);
      default -> throw new IllegalArgumentException("a line of a kind that nobody reads: " + line);
    };
  }

  @Override
  public boolean has(Head line) {
    return log.has(new EventLog.Head(line.number(), line.hash()));
  }

  @Override
  public Optional<Head> head() {
    return log.head().map(head -> new Head(head.number(), head.hash()));
  }
}
