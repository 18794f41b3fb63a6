package dev.lethe.server.security;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerationServiceGrpc;
import io.grpc.Metadata;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Tokens of another party: a real server that fetches the keys over HTTP, and tokens as attackers make them. */
@Timeout(180)
class JwtIT {

  private static final String ISSUER = "https://issuer.example";
  private static final String AUDIENCE = "lethe";

  @TempDir
  static Path root;

  private static final AtomicInteger fetches = new AtomicInteger();
  private static volatile JWKSet published;
  private static ECKey key;
  private static HttpServer issuer;
  private static ServerFixture server;

  @BeforeAll
  static void start() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    key = newKey("first");
    published = new JWKSet(key);
    issuer = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    issuer.createContext("/keys", exchange -> {
      fetches.incrementAndGet();
      byte[] body = published.toPublicJWKSet().toString().getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(200, body.length);
      try (OutputStream out = exchange.getResponseBody()) {
        out.write(body);
      }
    });
    issuer.start();
    server = ServerFixture.start(root, Map.of("jwt.keys", "http://127.0.0.1:" + issuer.getAddress().getPort() + "/keys",
        "jwt.issuer", ISSUER, "jwt.audience", AUDIENCE, "jwt.refresh", "1"));
  }

  @AfterAll
  static void stop() {
    server.close();
    issuer.stop(0);
  }

  private static ECKey newKey(String id) throws JOSEException {
    return new ECKeyGenerator(Curve.P_256).keyID(id).generate();
  }

  private static JWTClaimsSet.Builder claims() {
    return new JWTClaimsSet.Builder().subject("alice").issuer(ISSUER).audience(List.of("other", AUDIENCE))
        .expirationTime(Date.from(Instant.now().plusSeconds(300))).claim("roles", List.of("generate", "cook"));
  }

  private static String sign(JWTClaimsSet.Builder claims, ECKey with) throws JOSEException {
    return sign(claims, new JWSHeader.Builder(JWSAlgorithm.ES256).keyID(with.getKeyID()).build(),
        new ECDSASigner(with));
  }

  private static String sign(JWTClaimsSet.Builder claims, JWSHeader header, JWSSigner signer) throws JOSEException {
    SignedJWT token = new SignedJWT(header, claims.build());
    token.sign(signer);
    return token.serialize();
  }

  private static void generate(String token) {
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
    GenerationServiceGrpc.newBlockingStub(server.channel())
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
        .generate(GenerateRequest.getDefaultInstance());
  }

  private static void refused(String reason, String token) {
    StatusRuntimeException refused = assertThrows(StatusRuntimeException.class, () -> generate(token));
    assertEquals(Code.UNAUTHENTICATED, refused.getStatus().getCode());
    assertTrue(refused.getStatus().getDescription().startsWith("the bearer token is refused: ")
        && refused.getStatus().getDescription().contains(reason), refused::getMessage);
  }

  @Test
  void takesWhatTheIssuerSigned() throws Exception {
    generate(sign(claims(), key));
    generate(sign(claims().claim("roles", "cook generate"), key));
    StatusRuntimeException refused = assertThrows(StatusRuntimeException.class,
        () -> generate(sign(claims().claim("roles", null), key)));
    assertEquals("PERMISSION_DENIED: alice may not call lethe.v1.GenerationService/Generate: that needs the role"
        + " generate, and it has none", refused.getMessage());
  }

  @Test
  void refusesClaimsThatDoNotFit() throws Exception {
    refused("Expired JWT", sign(claims().expirationTime(Date.from(Instant.now().minusSeconds(120))), key));
    refused("before use", sign(claims().notBeforeTime(Date.from(Instant.now().plusSeconds(120))), key));
    refused("which is what the server calls itself", sign(claims().subject("worker"), key));
    refused("missing required claims: [exp]", sign(claims().expirationTime(null), key));
    refused("missing required claims: [sub]", sign(claims().subject(null), key));
    refused("iss", sign(claims().issuer("https://other.example"), key));
    refused("audience", sign(claims().audience("other"), key));
  }

  @Test
  void refusesForgeries() throws Exception {
    refused("no matching key(s) found", sign(claims(), newKey("mine")));
    refused("Invalid signature", sign(claims(), new ECKey.Builder(newKey("first")).build()));
    refused("Unsecured (plain) JWTs are rejected", new PlainJWT(claims().build()).serialize());
    // The public key, which everyone has, taken for a shared secret.
    refused("Another algorithm expected", sign(claims(), new JWSHeader.Builder(JWSAlgorithm.HS256).keyID("first")
        .build(), new MACSigner(key.toECPublicKey().getEncoded())));
    String[] parts = sign(claims(), key).split("\\.");
    String other = sign(claims().subject("root"), key).split("\\.")[1];
    refused("Invalid signature", parts[0] + "." + other + "." + parts[2]);
    refused("", "abc");
  }

  @Test
  void followsTheIssuersKeys() throws Exception {
    ECKey next = newKey("next");
    published = new JWKSet(List.of(key, next));
    int before = fetches.get();
    Instant limit = Instant.now().plusSeconds(30);
    while (fetches.get() < before + 2) {
      assertTrue(Instant.now().isBefore(limit), "the keys are not fetched again");
      Thread.sleep(50);
    }
    generate(sign(claims(), next));
    generate(sign(claims(), key));
  }
}
