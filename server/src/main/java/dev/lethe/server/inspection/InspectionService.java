package dev.lethe.server.inspection;

import com.google.protobuf.UnsafeByteOperations;
import dev.lethe.job.JobContract;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.Exhausted;
import dev.lethe.server.errors.DomainException.Precondition;
import dev.lethe.server.registry.Lease;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.rpc.Call;
import dev.lethe.server.rpc.RpcService;
import dev.lethe.server.rpc.Sink;
import dev.lethe.server.unlearning.UnlearnSpecs;
import dev.lethe.server.unlearning.WorkerCommand;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.InspectEvent;
import dev.lethe.v1.InspectionServiceGrpc;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.Progress;
import dev.lethe.v1.ProjectEvent;
import dev.lethe.v1.ProjectRequest;
import dev.lethe.v1.Projection;
import dev.lethe.v1.ProjectionSpace;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.WorkerEvent;
import dev.lethe.v1.WorkerTask;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import io.vertx.grpc.server.Service;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code lethe.v1.InspectionService}. Studies run one after the other, each in a process of its own. */
public final class InspectionService {

  private static final Logger LOG = LoggerFactory.getLogger(InspectionService.class);
  /** Studies that may wait for their turn. */
  private static final int MOST_WAITING = 16;

  private final Vertx vertx;
  private final ModelRegistry registry;
  private final StudyDirectories directories;
  private final Optional<WorkerCommand> command;
  private final String data;
  private final WorkerExecutor turn;
  private final AtomicInteger waiting = new AtomicInteger();

  private InspectionService(Vertx vertx, ModelRegistry registry, StudyDirectories directories,
      Optional<WorkerCommand> command, String data) {
    this.vertx = vertx;
    this.registry = registry;
    this.directories = directories;
    this.command = command;
    this.data = data;
    this.turn = vertx.createSharedWorkerExecutor("lethe-studies", 1, 1, TimeUnit.DAYS);
  }

  /**
   * Blocks.
   *
   * @param root where studies have their files while they run
   * @param shared whether other servers may have theirs there
   * @param command the worker; empty: studies are refused
   * @param data directory of the data set that workers are told of
   */
  public static InspectionService open(Vertx vertx, ModelRegistry registry, Path root, boolean shared,
      Optional<WorkerCommand> command, Optional<Path> data) throws IOException {
    StudyDirectories directories = new StudyDirectories(root.toAbsolutePath());
    directories.clean(shared ? StudyDirectories.STALE : Duration.ZERO);
    vertx.setPeriodic(StudyDirectories.BEAT.toMillis(), again -> vertx.executeBlocking(() -> {
      directories.beat();
      directories.clean(StudyDirectories.STALE);
      return null;
    }, false).onFailure(e -> LOG.warn("what is left of studies is not deleted yet: {}", e.getMessage())));
    return new InspectionService(vertx, registry, directories, command,
        data.map(path -> path.toUri().toString()).orElse(""));
  }

  public Service service(RpcService.Settings settings) {
    return RpcService.of(InspectionServiceGrpc.getServiceDescriptor(), settings)
        .auditedStreaming(InspectionServiceGrpc.getInspectMethod(), UnlearnSpecs::subject, InspectUpload::new)
        .auditedStreaming(InspectionServiceGrpc.getProjectMethod(), InspectionService::subject, ProjectUpload::new)
        .build();
  }

  private static void subject(ProjectRequest asked, Call<?> call) {
    call.about("model", asked.getModel());
    if (!asked.getVersion().isEmpty()) {
      call.about("version", asked.getVersion());
    }
  }

  /** Runs a study in its turn, and deletes its files; the result is made of what its worker left. */
  private <R> Future<R> run(Study study, Optional<String> version, Call<?> call, Consumer<Progress> told,
      Result<R> result) {
    StudyWorker worker = new StudyWorker(command.orElseThrow());
    if (waiting.incrementAndGet() > MOST_WAITING) {
      waiting.decrementAndGet();
      return deleted(study).transform(gone -> Future.failedFuture(new Exhausted(MOST_WAITING
          + " studies wait already; try again later")));
    }
    call.onAbandoned(worker::stop);
    return turn.executeBlocking(() -> {
      study.job().setBaseBundle(registry.store().uri(bundle(study.card(), version)).toString()).setData(data)
          .setJobId("study");
      WorkerEvent event = worker.run(study.directory(), study.job().build(),
          progress -> call.context().runOnContext(v -> told.accept(progress)));
      return result.of(event, study.directory());
    }).eventually(() -> {
      waiting.decrementAndGet();
      return deleted(study);
    });
  }

  /** What a client is told of a worker's result. Blocks. */
  private interface Result<R> {
    R of(WorkerEvent event, StudyDirectory directory) throws IOException;
  }

  private Future<Void> deleted(Study study) {
    return vertx.<Void>executeBlocking(() -> {
      directories.delete(study.directory());
      return null;
    }, false).onFailure(e -> LOG.warn("the files of a study cannot be deleted: {}", e.getMessage())).otherwiseEmpty();
  }

  /**
   * What is looked at: by then, as a study waits for its turn, another version may have been retired.
   *
   * @throws DomainException NotFound, or Precondition naming the erasure that retired it
   */
  private Bundle bundle(ModelCard card, Optional<String> version) throws IOException {
    return registry.model(card.name()).servable(version.orElse(card.version()));
  }

  private void requireWorker() {
    if (command.isEmpty()) {
      throw new Precondition("this server has no worker to look for images with; start it with "
          + "--worker-command");
    }
  }

  private ModelCard card(String model, Call<?> call) {
    try (Lease active = lease(model, call)) {
      return active.card();
    }
  }

  private Lease lease(String model, Call<?> call) {
    Lease active = registry.model(model).lease();
    call.about("model", active.card().name());
    call.about("version", active.card().version());
    return active;
  }

  /** A dry run: the specification, then images. */
  private final class InspectUpload implements Sink<SubmitRequest> {

    private final Call<InspectEvent> call;
    private @Nullable UnlearnSpec spec;
    private @Nullable ModelCard card;
    private @Nullable Study study;
    private Future<Void> last = Future.succeededFuture();
    private boolean running;
    private int learning;
    private int received;

    InspectUpload(Call<InspectEvent> call) {
      this.call = call;
    }

    @Override
    public Future<Void> message(SubmitRequest message) {
      switch (message.getPartCase()) {
        case SPEC -> {
          requireWorker();
          if (spec != null) {
            throw Study.invalid("spec: came twice; only the first message holds it");
          }
          try (Lease active = lease(message.getSpec().getModel(), call)) {
            card = active.card();
            spec = UnlearnSpecs.check(message.getSpec(), active.card(), active.recognises());
          }
        }
        case IMAGES -> {
          if (spec == null) {
            throw Study.invalid("spec: is missing; the first message must hold it");
          }
          if (message.getImages().getRole() == ImageRole.IMAGE_ROLE_LEARN) {
            learning += message.getImages().getImagesCount();
            return Future.succeededFuture();
          }
          received += message.getImages().getImagesCount();
          call.about("images", Integer.toString(received));
          last = vertx.executeBlocking(() -> {
            for (LabelledImage image : message.getImages().getImagesList()) {
              study().add(image, "unlearn images[" + study().images() + "]");
            }
            return null;
          }, false);
        }
        case PART_NOT_SET -> throw Study.invalid("part: a message must hold spec or images");
      }
      return last;
    }

    // Where blocking work runs, which is never two pieces at once.
    private Study study() throws IOException {
      Study begun = study;
      if (begun == null) {
        UnlearnSpec checked = Objects.requireNonNull(spec);
        begun = new Study(Objects.requireNonNull(card), UnlearnSpecs.preparation(checked),
            checked.getSkipUnreadable(), directories.create(), call::conceal);
        study = begun;
      }
      return begun;
    }

    @Override
    public void end() {
      Study begun = study;
      UnlearnSpec checked = spec;
      if (begun == null || checked == null || begun.images() == 0) {
        abandoned();
        throw Study.invalid("images: there is none to look for; send at least one"
            + (begun == null ? "" : ". " + String.join("; ", begun.job().getPreparationsList())));
      }
      try {
        UnlearnSpecs.requireLearnable(checked, learning > 0 || !data.isEmpty());
      } catch (DomainException e) {
        abandoned();
        throw e;
      }
      running = true;
      call.about("images", Integer.toString(begun.images()));
      begun.job().setTask(WorkerTask.WORKER_TASK_INSPECT).setSpec(checked);
      if (learning > 0) {
        begun.job().addPreparations(learning + " learning images: not looked at");
      }
      call.here(run(begun, Optional.empty(), call,
          progress -> call.send(InspectEvent.newBuilder().setProgress(progress).build()),
          (event, directory) -> InspectEvent.newBuilder().setInspection(event.getInspection()).build()))
          .onFailure(call::fail)
          .onSuccess(event -> {
            call.send(event);
            call.finish();
          });
    }

    @Override
    public void abandoned() {
      if (!running) {
        last.onComplete(done -> Optional.ofNullable(study).ifPresent(InspectionService.this::deleted));
      }
    }
  }

  /** One request, with one image. */
  private final class ProjectUpload implements Sink<ProjectRequest> {

    private final Call<ProjectEvent> call;
    private boolean asked;

    ProjectUpload(Call<ProjectEvent> call) {
      this.call = call;
    }

    @Override
    public Future<Void> message(ProjectRequest request) {
      requireWorker();
      if (asked) {
        throw Study.invalid("the request came twice");
      }
      asked = true;
      ProjectRequest checked = check(request);
      ModelCard card = card(request.getModel(), call);
      call.about("images", "1");
      Optional<String> version = request.getVersion().isEmpty() ? Optional.empty() : Optional.of(request.getVersion());
      version.ifPresent(named -> call.about("version", named));
      Future<Study> prepared = vertx.executeBlocking(() -> {
        Study study = new Study(card, UnlearnSpecs.preparation(checked.getFit(),
            checked.hasBackground() ? OptionalInt.of(checked.getBackground()) : OptionalInt.empty()), false,
            directories.create(), call::conceal);
        try {
          study.add(checked.getImage(), "image");
          return study;
        } catch (IOException | RuntimeException e) {
          directories.delete(study.directory());
          throw e;
        }
      }, false);
      call.here(prepared.compose(study -> {
        study.job().setTask(WorkerTask.WORKER_TASK_PROJECT).setProjection(checked.toBuilder().clearImage());
        return run(study, version, call,
            progress -> call.send(ProjectEvent.newBuilder().setProgress(progress).build()),
                InspectionService::projected);
      })).onFailure(call::fail).onSuccess(event -> {
        call.send(event);
        call.finish();
      });
      return prepared.mapEmpty();
    }

    @Override
    public void end() {
      if (!asked) {
        throw Study.invalid("the request is missing");
      }
    }

    @Override
    public void abandoned() {
      // The study is stopped by the call itself, and its files go with it.
    }
  }

  private static ProjectRequest check(ProjectRequest request) {
    int steps = request.hasSteps() ? request.getSteps() : JobContract.PROJECTION_STEPS;
    if (steps < 1 || steps > JobContract.MOST_PROJECTION_STEPS) {
      throw Study.invalid("steps: is " + steps + "; it must be from 1 to " + JobContract.MOST_PROJECTION_STEPS);
    }
    if (request.getSpace() == ProjectionSpace.UNRECOGNIZED) {
      throw Study.invalid("space: " + request.getSpaceValue() + " is not known; use W (1) or W_PLUS (2)");
    }
    if (!request.hasImage()) {
      throw Study.invalid("image: is missing");
    }
    return request.toBuilder().setSteps(steps).build();
  }

  private static ProjectEvent projected(WorkerEvent event, StudyDirectory directory) throws IOException {
    Projection.Builder projection = event.getProjection().toBuilder();
    directory.file(JobContract.LATENTS).map(UnsafeByteOperations::unsafeWrap).ifPresent(projection::setLatentsNpz);
    directory.file(JobContract.PROJECTION).map(UnsafeByteOperations::unsafeWrap).ifPresent(projection::setImagePng);
    directory.file(JobContract.SIDE_BY_SIDE).map(UnsafeByteOperations::unsafeWrap)
        .ifPresent(projection::setSideBySidePng);
    return ProjectEvent.newBuilder().setProjection(projection).build();
  }
}
