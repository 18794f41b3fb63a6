package dev.lethe.server.audit;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lethe.server.erasure.ErasureCertificate;
import dev.lethe.server.events.EventLog.Entry;
import dev.lethe.server.events.Verification;
import dev.lethe.server.logging.SafeText;
import dev.lethe.server.rpc.EndedCall;
import dev.lethe.server.security.MethodRule;
import dev.lethe.v1.Job;
import dev.lethe.v1.UnlearnSpec;
import java.util.Locale;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who ordered which unlearning or change of a model, when, and what became of it: one JSON object a line, refused
 * orders included, in the event log and by the logger {@value #NAME}. Nothing of an image ever goes into it, and no
 * more of a client's text than names it needs.
 */
public final class AuditLog implements Consumer<EndedCall> {

  /** The logger's name, by which a configuration of the log gives it a place of its own. */
  public static final String NAME = "lethe.audit";

  private static final Logger LOG = LoggerFactory.getLogger(NAME);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int LONGEST_MESSAGE = 2000;

  /** What kind of line tells the end of a job. */
  private static final String JOB = "job";

  private final Consumer<Entry> lasting;
  private final Lines written;

  /** Counts lines of a kind in the event log in which a field has a value. Blocks. */
  public interface Lines {
    long count(String kind, String field, String value);
  }

  /**
   * @param lasting takes each line to the event log, at once and without blocking
   * @param written what is in it
   */
  public AuditLog(Consumer<Entry> lasting, Lines written) {
    this.lasting = lasting;
    this.written = written;
  }

  /**
   * Tells the end of a job whose server ended before it had told that, and else nothing. Blocks.
   *
   * @param ends how often it has ended: it may have been retried
   */
  public void endedUntold(Job job, long ends) {
    if (written.count(JOB, "job_id", job.getId()) < ends) {
      ended(job);
    }
  }

  @Override
  public void accept(EndedCall call) {
    if (MethodRule.of(call.method()).map(MethodRule::audited).orElse(false)) {
      ObjectNode line = line(call.method(), call.principal(), call.code().name(), call.message());
      line.put("request_id", call.id());
      line.put("remote", call.remote());
      call.subject().forEach((name, value) -> line.put(name, name(value)));
      tell("call", line);
    }
  }

  /** A job has ended: only then is it known whether a model has changed. */
  public void ended(Job job) {
    ObjectNode line = line("unlearn", job.getSubmittedBy(),
        job.getState().name().replace("JOB_STATE_", "").toLowerCase(Locale.ROOT), job.getMessage());
    line.put("job_id", job.getId());
    line.put("model", name(job.getSpec().getModel()));
    line.put("kind", kind(job.getSpec()));
    line.put("classes", name(String.join(",", job.getSpec().getClassesList())));
    line.put("images", job.getUnlearnImages());
    line.put("base_version", job.getBaseVersion());
    line.put("new_version", job.getNewVersion());
    line.put("promoted", job.getPromoted());
    if (job.hasReport()) {
      line.put(Verification.REPORT, ErasureCertificate.digest(job.getReport()));
    }
    tell(JOB, line);
  }

  /** How a specification's kind is written. */
  public static String kind(UnlearnSpec spec) {
    return spec.getKind().name().replace("UNLEARN_KIND_", "").toLowerCase(Locale.ROOT);
  }

  private static String name(String text) {
    return SafeText.bounded(text, SafeText.NAME);
  }

  private void tell(String event, ObjectNode line) {
    Entry entry = Entry.now(event, line);
    lasting.accept(entry);
    ObjectNode told = JSON.createObjectNode().put("time", entry.time().toString()).put("event", event);
    told.setAll(line);
    LOG.info("{}", told);
  }

  private static ObjectNode line(String operation, String principal, String outcome, String message) {
    return JSON.createObjectNode()
        .put("operation", operation)
        .put("principal", name(principal))
        .put("outcome", outcome)
        .put("message", SafeText.bounded(message, LONGEST_MESSAGE));
  }
}
