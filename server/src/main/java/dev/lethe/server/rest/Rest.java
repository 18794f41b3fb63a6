package dev.lethe.server.rest;

import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import com.google.protobuf.Message;
import dev.lethe.server.logging.SafeText;
import dev.lethe.server.rest.HttpRules.Match;
import dev.lethe.server.rpc.FailureStatus;
import dev.lethe.server.rpc.Inbound;
import dev.lethe.server.rpc.RpcService;
import dev.lethe.server.rpc.RpcService.Endpoint;
import dev.lethe.server.security.MethodRule;
import io.grpc.Status;
import io.grpc.protobuf.ProtoMethodDescriptorSupplier;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.http.HttpServerRequestInternal;
import io.vertx.grpc.server.Service;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Takes HTTP requests that are calls of the server's services. */
public final class Rest {

  /** Tells what can be asked, as reflection does. */
  private static final String DOCUMENT = "/openapi.json";
  private static final String OURS = "lethe.v1.";
  private static final String LINES = "application/x-ndjson";
  private static final String FORM = "multipart/form-data";

  private final HttpRules rules = HttpRules.read();
  private final Map<String, Method<?, ?>> methods = new HashMap<>();
  private final RpcService.Settings settings;
  private final List<ServiceDescriptor> ours;
  // Made when somebody first asks; any event loop may.
  private volatile @Nullable Answer document;

  /** A method that can be called, and what its requests are made from. */
  private record Method<Q, R>(Endpoint<Q, R> endpoint, MethodDescriptor descriptor, Message prototype) {

    static <Q, R> Method<Q, R> of(Endpoint<Q, R> endpoint) {
      MethodDescriptor descriptor =
          ((ProtoMethodDescriptorSupplier) endpoint.method().getSchemaDescriptor()).getMethodDescriptor();
      return new Method<>(endpoint, descriptor, (Message) ((io.grpc.MethodDescriptor.PrototypeMarshaller<Q>)
          endpoint.method().getRequestMarshaller()).getMessagePrototype());
    }

    String name() {
      return endpoint.method().getFullMethodName();
    }
  }

  /** @param services those of {@code lethe.v1} and {@code inference} can be called; others are passed over */
  public Rest(List<Service> services, RpcService.Settings settings) {
    this.settings = settings;
    this.ours = services.stream().map(Service::descriptor).filter(service -> service.getFullName().startsWith(OURS))
        .toList();
    for (Service service : services) {
      if (service instanceof RpcService ours) {
        ours.endpoints().forEach(endpoint -> methods.put(endpoint.method().getFullMethodName(), Method.of(endpoint)));
      }
    }
    rules.bindings().forEach(binding -> {
      if (!methods.containsKey(binding.method())) {
        throw new IllegalStateException("a rule is about " + binding.method() + ", which nobody serves");
      }
    });
  }

  /** @return false if the path is none of a call; then nothing has happened */
  public boolean handle(HttpServerRequest request) {
    String path = request.path();
    if (DOCUMENT.equals(path) && request.method() != HttpMethod.GET && request.method() != HttpMethod.HEAD) {
      notAllowed(request, List.of("GET", "HEAD"));
      return true;
    }
    if (DOCUMENT.equals(path)) {
      settings.access().admit(MethodRule.REFLECTION, request.getHeader(HttpHeaders.AUTHORIZATION), request.connection())
          .map(caller -> document())
          .onSuccess(made -> answer(request, made))
          .onFailure(refusal -> refuse(request, FailureStatus.of(refusal)));
      return true;
    }
    Optional<Match> match;
    Set<String> verbs;
    try {
      match = path == null ? Optional.empty() : find(request, path);
      verbs = match.isPresent() || path == null ? Set.of() : verbs(path);
    } catch (RuntimeException malformed) {
      answer(request, failure(path, Status.INVALID_ARGUMENT.withDescription("the path or query cannot be read"), 400));
      return true;
    }
    if (match.isEmpty() && verbs.isEmpty()) {
      return false;
    }
    if (match.isEmpty()) {
      notAllowed(request, verbs);
      return true;
    }
    serve(request, methods.get(match.get().method()), match.get());
    return true;
  }

  private Answer document() {
    Answer made = document;
    if (made == null) {
      made = Answer.json(200, OpenApi.of(rules, ours).toString());
      document = made;
    }
    return made;
  }

  private Optional<Match> find(HttpServerRequest request, String path) {
    if (request.method() == HttpMethod.POST && path.startsWith("/" + OURS) && methods.containsKey(path.substring(1))) {
      return Optional.of(new Match(path.substring(1), List.of(), true));
    }
    if (request.method() == HttpMethod.HEAD) {
      return rules.find(HttpMethod.GET, path, request.query()).filter(this::endsByItself);
    }
    return rules.find(request.method(), path, request.query());
  }

  /** Of a stream, which may go on for hours, there is no answer to tell the length and status of. */
  private boolean endsByItself(Match match) {
    return !methods.get(match.method()).descriptor().isServerStreaming();
  }

  private Set<String> verbs(String path) {
    Set<String> verbs = new TreeSet<>(rules.verbs(path));
    if (rules.find(HttpMethod.GET, path, null).filter(this::endsByItself).isPresent()) {
      verbs.add("HEAD");
    }
    return verbs;
  }

  private <Q, R> void serve(HttpServerRequest request, Method<Q, R> method, Match match) {
    boolean ours = method.name().startsWith(OURS);
    String type = mediaType(request);
    // A page of another origin may send texts and forms without asking first; forms are looked at elsewhere (Origins).
    if (ours && match.body() && !(type.equals("application/json") || type.isEmpty()
        || method.descriptor().isClientStreaming() && (type.equals(LINES) || type.equals(FORM)))) {
      answer(request, failure(request.path(), Status.INVALID_ARGUMENT.withDescription("content-type: is \"" + type
          + "\"; send application/json" + (method.descriptor().isClientStreaming() ? ", " + LINES + " or " + FORM
              : "")),
          415));
      return;
    }
    String encoding = request.getHeader(HttpHeaders.CONTENT_ENCODING);
    if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
      answer(request, failure(request.path(), Status.INVALID_ARGUMENT.withDescription("content-encoding: is \""
          + encoding + "\"; send the body as it is"), 415));
      return;
    }
    Exchange exchange = ours ? new ProtoJson(method.prototype(), match.values(), match.body())
        : InferenceJson.of(method.prototype(), match, request);
    Body body = type.equals(FORM) ? new SubmitForm(request.getHeader(HttpHeaders.CONTENT_TYPE))
        : method.descriptor().isClientStreaming() ? new Lines(exchange) : new WholeBody(exchange);
    Inbound.handPlain(request, settings, counted -> call(counted, method, exchange, body));
  }

  private <Q, R> void call(HttpServerRequest request, Method<Q, R> method, Exchange exchange,
      Body body) {
    ContextInternal context = ((HttpServerRequestInternal) request).context();
    RestRequest<Q, R> call = new RestRequest<>(context, request, body, method.name());
    RestResponse<Q, R> response = new RestResponse<>(context, call, request, exchange,
        method.descriptor().isServerStreaming(), body::tooLarge);
    response.init();
    call.init(response, true, settings.maxMessageBytes());
    context.dispatch(call, method.endpoint().handler()::accept);
  }

  private static String mediaType(HttpServerRequest request) {
    String given = request.getHeader(HttpHeaders.CONTENT_TYPE);
    return given == null ? "" : given.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
  }

  /** Tells that there is something at this path, and what it may be asked by. */
  public static void notAllowed(HttpServerRequest request, Collection<String> verbs) {
    request.response().putHeader("allow", String.join(", ", verbs));
    refuse(request, Status.UNIMPLEMENTED.withDescription(
        request.method() + " is not answered here; use " + String.join(" or ", verbs)), 405);
  }

  /** Tells that there is nothing at this path. */
  public static void notFound(HttpServerRequest request) {
    refuse(request, Status.NOT_FOUND.withDescription(
        "there is nothing at " + SafeText.bounded(String.valueOf(request.path()), SafeText.NAME)), 404);
  }

  /** Answers with an error, in the form of the protocol that the path looks like. */
  public static void refuse(HttpServerRequest request, Status status, int code) {
    answer(request, failure(request.path(), status, code));
  }

  /** The same, with the code that goes with the status. */
  public static void refuse(HttpServerRequest request, Status status) {
    refuse(request, status, HttpStatus.of(status.getCode()));
  }

  /** What such an answer says. */
  public static String refusal(String path, Status status, int code) {
    return failure(path, status, code).body().toString();
  }

  private static Answer failure(@Nullable String path, Status status, int code) {
    return path != null && path.startsWith("/v2") ? InferenceJson.failure(status, code)
        : ProtoJson.failure(status, code);
  }

  private static void answer(HttpServerRequest request, Answer answer) {
    HttpServerResponse response = request.response().setStatusCode(answer.status());
    answer.headers().forEach(response::putHeader);
    response.putHeader("x-content-type-options", "nosniff");
    if (answer.status() == 401) {
      response.putHeader("www-authenticate", "Bearer");
    }
    if (request.method() == HttpMethod.HEAD) {
      response.putHeader(HttpHeaders.CONTENT_LENGTH, Integer.toString(answer.body().length())).end();
    } else {
      response.end(answer.body());
    }
  }
}
