package lethe

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Error is a call that the server refused, or that did not reach it. errors.Is tells it from others by the Err values
// below; DEADLINE_EXCEEDED and CANCELLED are also context.DeadlineExceeded and context.Canceled.
type Error struct {
	Code codes.Code
	// Message is what the server says is wrong, and what to do.
	Message string
	// Field of the request that is at fault, such as spec.classes[0]; empty where the server names none.
	Field string
	// RequestID is what the server's log calls the call; empty if it did not get there.
	RequestID string
	// RetryAfter is the time after which the server takes the call; negative where it does not say.
	RetryAfter time.Duration
	cause      error
}

// What can go wrong, for errors.Is.
var (
	ErrInvalidArgument    = &Error{Code: codes.InvalidArgument}
	ErrNotFound           = &Error{Code: codes.NotFound}
	ErrFailedPrecondition = &Error{Code: codes.FailedPrecondition}
	ErrUnauthenticated    = &Error{Code: codes.Unauthenticated}
	ErrPermissionDenied   = &Error{Code: codes.PermissionDenied}
	ErrResourceExhausted  = &Error{Code: codes.ResourceExhausted}
	ErrUnavailable        = &Error{Code: codes.Unavailable}
)

func (e *Error) Error() string { return fmt.Sprintf("lethe: %v: %s", e.Code, e.Message) }

// Unwrap is what this client found wrong of a file, such as an *UnreadableError; nil of what the server says.
func (e *Error) Unwrap() error { return e.cause }

// invalid is what this client finds wrong before it calls.
func invalid(field, format string, values ...any) *Error {
	return &Error{Code: codes.InvalidArgument, Message: field + ": " + fmt.Sprintf(format, values...), Field: field, RetryAfter: -1}
}

// because is the same error with its cause.
func because(e *Error, cause error) *Error {
	e.cause = cause
	return e
}

// GRPCStatus makes status.Code and its like work with errors of this package.
func (e *Error) GRPCStatus() *status.Status { return status.New(e.Code, e.Message) }

// Is compares codes alone.
func (e *Error) Is(target error) bool {
	if other, ok := target.(*Error); ok {
		return other.Code == e.Code
	}
	return target == context.DeadlineExceeded && e.Code == codes.DeadlineExceeded ||
		target == context.Canceled && e.Code == codes.Canceled
}

// The server starts a message with the field at fault: "psi: is 3.0; ...", "unlearn images[3].label: ...".
var fieldPrefix = regexp.MustCompile(`^((?:unlearn |learn )?[a-z][a-z0-9_]*(?:\[\d+\])*(?:\.[a-z][a-z0-9_]*(?:\[\d+\])*)*): `)

// What gRPC says of a connection that failed, and what is likely wrong, by whether this client speaks TLS.
var likelyWrong = []struct {
	secure bool
	says   *regexp.Regexp
	words  string
}{
	// Which of the two ends of a closed connection is met first is chance.
	{false, regexp.MustCompile(`error reading server preface|^write tcp .*: (broken pipe|connection reset by peer)$`),
		"the server may want TLS: say https:// before its address, or take WithTLS, or WithCA with its authority"},
	{true, regexp.MustCompile(`first record does not look like a TLS handshake`),
		"the server does not speak TLS: leave out https:// and the options of TLS (and LETHE_TLS_CA)"},
	{true, regexp.MustCompile(`x509: certificate (signed by unknown authority|is not trusted)|x509: .* not trusted`),
		"if it is the server that you mean, name its authority by WithCA"},
	{true, regexp.MustCompile(`remote error: tls: (certificate required|bad certificate|unknown certificate)`),
		"the server wants a certificate of its clients that it trusts: take WithCertificate"},
}

// toError is an error of a call, in words that help.
func (c *Client) toError(err error, answer trailers) *Error {
	e := toError(err, answer)
	if e.Code != codes.Unavailable || e.RequestID != "" {
		return e
	}
	for _, known := range likelyWrong {
		if known.secure == c.secure && known.says.MatchString(e.Message) {
			e.Message = known.words + " (" + e.Message + ")"
			break
		}
	}
	return e
}

// trailers are what a call's answer says beside its messages.
type trailers struct{ header, trailer metadata.MD }

func (t trailers) get(name string) string {
	for _, md := range []metadata.MD{t.trailer, t.header} {
		if values := md.Get(name); len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

func toError(err error, answer trailers) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	reason := status.Convert(err)
	if code := status.FromContextError(err).Code(); code != codes.Unknown {
		reason = status.FromContextError(err)
	}
	e := &Error{Code: reason.Code(), Message: reason.Message(), RequestID: answer.get("x-request-id"), RetryAfter: -1}
	if named := fieldPrefix.FindStringSubmatch(e.Message); named != nil {
		e.Field = named[1]
	}
	if ms, err := strconv.ParseUint(answer.get("grpc-retry-pushback-ms"), 10, 31); err == nil {
		e.RetryAfter = time.Duration(ms) * time.Millisecond
	}
	return e
}
