package lethe

import (
	"errors"
	"testing"
)

func TestAddresses(t *testing.T) {
	for text, expected := range map[string]struct {
		target string
		tls    string
	}{
		"host":                     {"host:8080", ""},
		"host:9":                   {"host:9", ""},
		"http://host":              {"host:80", "no"},
		"http://10.0.0.1:8080/":    {"10.0.0.1:8080", "no"},
		"https://host":             {"host:443", "yes"},
		"HTTPS://host:8443":        {"host:8443", "yes"},
		"[::1]":                    {"[::1]:8080", ""},
		"dns:///host:1":            {"dns:///host:1", ""},
		"unix:/run/lethe.sock":     {"unix:/run/lethe.sock", ""},
		"passthrough:///host:8080": {"passthrough:///host:8080", ""},
	} {
		target, tls, err := target(text)
		said := ""
		if tls != nil {
			said = map[bool]string{false: "no", true: "yes"}[*tls]
		}
		if err != nil || target != expected.target || said != expected.tls {
			t.Errorf("%s is %s, TLS %q, %v", text, target, said, err)
		}
	}
	for _, text := range []string{"", "ftp://host", "http://host/v1", "host:x", "host:0", "host:70000", "::1", "http://me@host"} {
		_, _, err := target(text)
		var refused *Error
		if !errors.Is(err, ErrInvalidArgument) || !errors.As(err, &refused) || refused.Field != "address" {
			t.Errorf("%q is taken: %v", text, err)
		}
	}
	if _, err := NewClient("http://host", WithTLS()); !errors.Is(err, ErrInvalidArgument) {
		t.Errorf("an address without TLS is taken with it: %v", err)
	}
}
