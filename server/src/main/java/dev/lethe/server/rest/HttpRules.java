package dev.lethe.server.rest;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.vertx.core.http.HttpMethod;
import io.vertx.grpc.transcoding.MethodTranscodingOptions;
import io.vertx.grpc.transcoding.impl.PathMatcher;
import io.vertx.grpc.transcoding.impl.PathMatcherBuilder;
import io.vertx.grpc.transcoding.impl.PathMatcherLookupResult;
import io.vertx.grpc.transcoding.impl.config.HttpVariableBinding;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which HTTP requests are calls of which methods: {@code google.api.http} rules. Vert.x's own transcoding has them
 * matched by these classes, too; its calls are not used, for they refuse a GET that has no content type, tell no
 * reasons for an error, and know no streams.
 */
final class HttpRules {

  private static final String RESOURCE = "http-rules.yaml";

  private final PathMatcher matcher;
  private final List<Binding> bindings;

  /**
   * A request that is a call.
   *
   * @param method {@code package.Service/Method}
   * @param values of fields, from path and query
   * @param body whether the body is the request message; else there is none
   */
  record Match(String method, List<Value> values, boolean body) {}

  /** @param field from the message inwards */
  record Value(List<String> field, String text) {}

  /** @param method {@code package.Service/Method} */
  record Binding(String method, HttpMethod verb, String path, boolean body) {}

  private record Document(String type, @JsonProperty("config_version") int version, Http http) {}

  private record Http(List<Rule> rules) {}

  @JsonIgnoreProperties
  private record Rule(@Nullable String selector, @Nullable String get, @Nullable String post, @Nullable String delete,
      @Nullable String body,
      @JsonProperty("additional_bindings") @Nullable List<Rule> more) {

    private Stream<Binding> bindings(String method) {
      HttpMethod verb = get != null ? HttpMethod.GET : post != null ? HttpMethod.POST : HttpMethod.DELETE;
      Binding own = new Binding(method, verb, get != null ? get : post != null ? post : delete, body != null);
      return Stream.concat(Stream.of(own),
          more == null ? Stream.of() : more.stream().flatMap(rule -> rule.bindings(method)));
    }
  }

  private HttpRules(List<Binding> bindings) {
    this.bindings = bindings;
    PathMatcherBuilder builder = new PathMatcherBuilder();
    builder.setQueryParamUnescapePlus(true);
    for (Binding binding : bindings) {
      boolean registered = builder.register(new MethodTranscodingOptions().setHttpMethod(binding.verb())
          .setPath(binding.path()).setBody(binding.body() ? "*" : null), binding.method());
      if (!registered) {
        throw new IllegalStateException(RESOURCE + ": " + binding.path() + " is no template, or is there twice");
      }
    }
    this.matcher = builder.build();
  }

  /** Those that the server comes with. */
  static HttpRules read() {
    try (InputStream in = HttpRules.class.getResourceAsStream(RESOURCE)) {
      Document document = JsonMapper.builder(new YAMLFactory()).build().readValue(in, Document.class);
      return new HttpRules(document.http().rules().stream().flatMap(rule -> {
        int dot = rule.selector().lastIndexOf('.');
        return rule.bindings(rule.selector().substring(0, dot) + "/" + rule.selector().substring(dot + 1));
      }).toList());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  List<Binding> bindings() {
    return bindings;
  }

  /** @throws IllegalArgumentException if the path is none: a percent sign that stands for nothing */
  Optional<Match> find(HttpMethod verb, String path, @Nullable String query) {
    PathMatcherLookupResult found = matcher.lookup(verb.name(), path, query);
    return found == null ? Optional.empty() : Optional.of(new Match(found.getMethod(),
        found.getVariableBindings().stream().map(HttpRules::value).toList(), found.getBodyFieldPath() != null));
  }

  private static Value value(HttpVariableBinding binding) {
    return new Value(binding.getFieldPath(), binding.getValue());
  }

  /** What a path may be asked by; empty if there is no such path. */
  Set<String> verbs(String path) {
    Set<String> verbs = new TreeSet<>();
    Stream.of(HttpMethod.GET, HttpMethod.POST, HttpMethod.DELETE).filter(verb -> find(verb, path, null).isPresent())
        .forEach(verb -> verbs.add(verb.name()));
    return verbs;
  }
}
