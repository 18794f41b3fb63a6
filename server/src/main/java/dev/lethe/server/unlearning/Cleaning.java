package dev.lethe.server.unlearning;

import dev.lethe.job.JobContract;
import dev.lethe.models.encryption.FileCipher;
import dev.lethe.server.encryption.MasterKey;
import dev.lethe.server.jobs.ImageNames;
import dev.lethe.server.jobs.JobRecord;
import dev.lethe.server.jobs.JobStore;
import dev.lethe.server.jobs.Phases;
import dev.lethe.server.store.StoreException;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes away, at the end of a job, its images and whatever was made of them on the way: sessions, checkpoints, latents,
 * pictures. What the request asks to keep is kept encrypted. Pictures that show images of several requests
 * nobody gets. That they are gone is looked at, not believed.
 */
record Cleaning(JobStore store, MasterKey key, Pictures pictures) {

  private static final Logger LOG = LoggerFactory.getLogger(Cleaning.class);

  /** Cleans up after a job; if that fails it is told, and done again later. */
  void clean(JobDirectory directory, JobRecord record) {
    if (!delete(directory, record) || !Phases.hasEnded(record.job())) {
      return;
    }
    try {
      store.cleaned(record.job().getId(), Instant.now(), isKept(record));
    } catch (StoreException e) {
      LOG.error("job {}: that its images are deleted is not written down yet, which is tried again: {}",
          record.job().getId(), e.getMessage());
    }
  }

  private static boolean isKept(JobRecord record) {
    return record.job().getSpec().getKeepPictures() && !record.sealedKey().isEmpty();
  }

  /**
   * The same, as something that is to be done once more.
   *
   * @return whether all is gone that is to go
   */
  boolean delete(JobDirectory directory, JobRecord record) {
    String id = record.job().getId();
    boolean keep = isKept(record);
    try {
      Optional<byte[]> made = directory.beforeAfter();
      if (made.isPresent() && keep) {
        directory.keepPictures(new FileCipher(key.open(id, record.sealedKey())).seal(JobContract.PICTURES, made.get()));
      } else if (record.job().getMergedJobsCount() == 0) {
        made.ifPresent(png -> pictures.hold(id, png));
      }
      directory.clean(keep);
      if (!keep) {
        directory.changeLog(ImageNames.of(record.work())::without);
      }
      List<String> left = directory.left(keep);
      if (!left.isEmpty()) {
        throw new IOException("these are still there: " + left);
      }
      return true;
    } catch (IOException e) {
      LOG.error("job {}: its images are not deleted yet, which is tried again: {}", id, e.getMessage());
      return false;
    }
  }

  /** The pictures of a job's report, if they are kept, or held still. */
  Optional<byte[]> pictures(JobDirectory directory, JobRecord record) throws IOException {
    String id = record.job().getId();
    Optional<byte[]> kept = directory.keptPictures();
    if (kept.isPresent() && !record.sealedKey().isEmpty()) {
      return Optional.of(new FileCipher(key.open(id, record.sealedKey())).open(JobContract.PICTURES, kept.get()));
    }
    return pictures.of(id);
  }
}
