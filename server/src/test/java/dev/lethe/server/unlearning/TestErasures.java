package dev.lethe.server.unlearning;

import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobEvent;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UnlearningServiceGrpc;
import dev.lethe.v1.WatchRequest;
import io.grpc.Channel;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Orders erasures of a server, and waits for their end. */
public final class TestErasures {

  private TestErasures() {}

  /** The setting worker-command of {@link WorkerDouble}. */
  public static String workerDouble() {
    return '"' + Path.of(System.getProperty("java.home"), "bin", "java").toString()
        + "\" -XX:TieredStopAtLevel=1 -cp \"" + System.getProperty("java.class.path") + "\" "
        + WorkerDouble.class.getName();
  }

  /** Of a class, and nothing else. */
  public static UnlearnSpec.Builder ofClass(String model, String name) {
    return UnlearnSpec.newBuilder().setModel(model).setKind(UnlearnKind.UNLEARN_KIND_CLASS).addClasses(name);
  }

  /** Submits, with images if need be; returns the job's end, whatever it is. */
  public static Job run(Channel channel, UnlearnSpec spec, LabelledImage... images) throws Exception {
    CompletableFuture<Job> accepted = new CompletableFuture<>();
    StreamObserver<SubmitRequest> upload = UnlearningServiceGrpc.newStub(channel).submit(new StreamObserver<>() {
      @Override
      public void onNext(Job job) {
        accepted.complete(job);
      }

      @Override
      public void onError(Throwable refused) {
        accepted.completeExceptionally(refused);
      }

      @Override
      public void onCompleted() {}
    });
    upload.onNext(SubmitRequest.newBuilder().setSpec(spec).build());
    if (images.length > 0) {
      upload.onNext(Submission.images(ImageRole.IMAGE_ROLE_UNLEARN, images));
    }
    upload.onCompleted();
    Job end = accepted.get(60, TimeUnit.SECONDS);
    Iterator<JobEvent> changes = UnlearningServiceGrpc.newBlockingStub(channel)
        .watch(WatchRequest.newBuilder().setJobId(end.getId()).build());
    while (changes.hasNext()) {
      end = changes.next().getJob();
    }
    return end;
  }
}
