package lethe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// An answer may hold many images of 1024 x 1024 pixels; what the server takes is the server's to say.
const maxAnswerBytes = 256 << 20

type settings struct {
	token       func(context.Context) (string, error)
	tls         bool
	config      *tls.Config
	ca          string
	certificate string
	key         string
	timeout     *time.Duration
	retry       Retry
	dial        []grpc.DialOption
}

// Option of a client.
type Option func(*settings)

// WithToken sends a bearer token with every call. Without TLS, everyone on the way can read it. Default: LETHE_TOKEN of
// the environment.
func WithToken(token string) Option {
	return WithTokenSource(func(context.Context) (string, error) { return token, nil })
}

// WithTokenSource asks for the token at every call.
func WithTokenSource(source func(context.Context) (string, error)) Option {
	return func(s *settings) { s.token = source }
}

// WithTLS speaks TLS, and trusts the authorities that the system trusts.
func WithTLS() Option { return func(s *settings) { s.tls = true } }

// WithCA speaks TLS, and trusts the authorities of this PEM file alone. Default: LETHE_TLS_CA of the environment.
func WithCA(file string) Option { return func(s *settings) { s.ca = file } }

// WithCertificate shows the server a certificate (mutual TLS), both files in PEM. Default: LETHE_CERT and LETHE_KEY of
// the environment.
func WithCertificate(certificate, key string) Option {
	return func(s *settings) { s.certificate, s.key = certificate, key }
}

// WithTLSConfig speaks TLS as it is told, and takes no files.
func WithTLSConfig(config *tls.Config) Option { return func(s *settings) { s.config = config } }

// WithTimeout is for calls with one answer, repetitions included, where the context sets no earlier deadline. It must be
// longer than 0; without this option there is no limit.
func WithTimeout(timeout time.Duration) Option { return func(s *settings) { s.timeout = &timeout } }

// WithRetry says when calls are made again.
func WithRetry(retry Retry) Option { return func(s *settings) { s.retry = retry } }

// WithDialOptions are gRPC's own.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) { s.dial = append(s.dial, options...) }
}

func fromEnvironment() *settings {
	s := &settings{ca: os.Getenv("LETHE_TLS_CA"), certificate: os.Getenv("LETHE_CERT"), key: os.Getenv("LETHE_KEY")}
	if token := strings.TrimSpace(os.Getenv("LETHE_TOKEN")); token != "" {
		WithToken(token)(s)
	}
	return s
}

func (s *settings) dialOptions(saysTLS *bool) ([]grpc.DialOption, error) {
	transport, err := s.credentials(saysTLS)
	if err != nil {
		return nil, err
	}
	return append([]grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswerBytes)),
		// Calls that failed are repeated by this client, which knows which may be.
		grpc.WithDisableRetry(),
		// A watch notices within a minute that its connection is dead.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 20 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: 10 * time.Second, Backoff: backoff.Config{
			BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second}}),
	}, s.dial...), nil
}

// wantsTLS is whether an option asks for it; an address may, too.
func (s *settings) wantsTLS() bool {
	return s.config != nil || s.tls || s.ca != "" || s.certificate != ""
}

func (s *settings) credentials(saysTLS *bool) (credentials.TransportCredentials, error) {
	wanted := s.wantsTLS()
	if saysTLS != nil && !*saysTLS && wanted {
		return nil, invalid("address", "says http://, without TLS, and TLS is asked for as well; say https://, or leave TLS out")
	}
	if s.config != nil {
		return credentials.NewTLS(s.config), nil
	}
	if (s.certificate == "") != (s.key == "") {
		return nil, invalid("certificate", "goes together with a key, and one of them is missing")
	}
	if !wanted && (saysTLS == nil || !*saysTLS) {
		return insecure.NewCredentials(), nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.ca != "" {
		pem, err := os.ReadFile(s.ca)
		if err != nil {
			return nil, because(invalid("ca", "%v", err), err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, invalid("ca", "%s holds no certificate in PEM (-----BEGIN CERTIFICATE-----)", s.ca)
		}
	}
	if s.certificate != "" {
		pair, err := tls.LoadX509KeyPair(s.certificate, s.key)
		if err != nil {
			return nil, because(invalid("certificate", "%s and the key %s: %v", s.certificate, s.key, err), err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return credentials.NewTLS(config), nil
}
