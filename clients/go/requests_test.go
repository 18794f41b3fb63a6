package lethe

import (
	"context"
	"errors"
	"image"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"lethe.dev/lethe/lethev1"
)

// unreached is a client of a server that no call of the test gets to.
func unreached(t *testing.T, options ...Option) *Client {
	client, err := NewClient("localhost:1", options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func refusedField(t *testing.T, field string, err error) {
	t.Helper()
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != codes.InvalidArgument || refused.Field != field {
		t.Errorf("%s is to be refused: %v", field, err)
	}
}

func TestAnEmptyRangeIsNoSeedsOfTheServers(t *testing.T) {
	for _, request := range []GenerateRequest{{Seeds: SeedRange(5, 1)}, {Seeds: SeedRange(5, 5)}} {
		// Which the server refuses; without any it draws one itself.
		message, err := request.message()
		if err != nil || message.GetSeeds() == nil || len(message.GetSeeds().GetValues()) != 0 {
			t.Errorf("%v asks for %v, %v", request.Seeds, message, err)
		}
	}
}

func TestTextsThatAreNoUTF8AreToldByTheirField(t *testing.T) {
	const broken = "\xff\xfe"
	client, ctx := unreached(t), context.Background()
	_, err := client.Generate(ctx, GenerateRequest{Label: broken})
	refusedField(t, "label", err)
	for _, err := range client.GenerateStream(ctx, GenerateRequest{Model: broken}) {
		refusedField(t, "model", err)
	}
	_, err = client.Versions(ctx, broken)
	refusedField(t, "model", err)
	_, err = client.Approve(ctx, "job", broken)
	refusedField(t, "reason", err)
	for _, err := range client.Watch(ctx, broken) {
		refusedField(t, "job_id", err)
	}
	picture := image.NewGray(image.Rect(0, 0, 2, 2))
	for field, request := range map[string]UnlearnRequest{
		"spec.classes[1]":         {Spec: &lethev1.UnlearnSpec{Classes: []string{"3", broken}}},
		"unlearn images[1].label": {Images: Pictures("7", picture), Learn: nil},
		"learn images[0].label":   {Images: Pictures("7", picture), Learn: Pictures(broken, picture)},
	} {
		if strings.HasPrefix(field, "unlearn") {
			request.Images = func(yield func(*lethev1.LabelledImage, error) bool) {
				_ = yield(&lethev1.LabelledImage{Label: "7"}, nil) && yield(&lethev1.LabelledImage{Label: broken}, nil)
			}
		}
		refusedField(t, field, lastOf(request))
	}
	_, err = client.Project(ctx, ProjectRequest{Image: Pictures(broken, picture)}, nil)
	refusedField(t, "image.label", err)
}

// lastOf is why no more messages of a request come.
func lastOf(request UnlearnRequest) error {
	for _, err := range messages(request) {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestWhatFilesHoldIsToldByTheirPlace(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "notes.txt")
	if err := os.WriteFile(file, []byte("no image"), 0o644); err != nil {
		t.Fatal(err)
	}
	picture := Pictures("7", image.NewGray(image.Rect(0, 0, 2, 2)))
	err := lastOf(UnlearnRequest{Images: picture, Learn: Paths(file)})
	refusedField(t, "learn images[0].image", err)
	var unreadable *UnreadableError
	if !errors.As(err, &unreadable) || unreadable.File != file {
		t.Errorf("the file is not told: %v", err)
	}
	refusedField(t, "unlearn images[0].image", lastOf(UnlearnRequest{Images: Paths(t.TempDir())}))
	// Names are for errors alone.
	if name := labelled(nil, 0, "", "\xff.png").GetName(); name != "\ufffd.png" {
		t.Errorf("a name is %q", name)
	}
}

func TestTimeoutsAreLongerThanNothing(t *testing.T) {
	for _, timeout := range []time.Duration{0, -time.Second} {
		_, err := NewClient("localhost", WithTimeout(timeout))
		refusedField(t, "timeout", err)
	}
}

func TestFilesOfTLSThatHoldNone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(file, []byte("no certificate"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := NewClient("localhost", WithCA(file))
	refusedField(t, "ca", err)
	_, err = NewClient("localhost", WithCA(file+".missing"))
	refusedField(t, "ca", err)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file is %v", err)
	}
	_, err = NewClient("localhost", WithCertificate(file, file))
	refusedField(t, "certificate", err)
}

func TestConnectionsOfTheWrongKindAreToldInWords(t *testing.T) {
	// As a server with TLS does with what is none.
	closing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer closing.Close()
	go func() {
		for {
			connection, err := closing.Accept()
			if err != nil {
				return
			}
			_, _ = io.ReadFull(connection, make([]byte, 10))
			connection.Close()
		}
	}()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	go func() { _ = server.Serve(plain) }()
	defer server.Stop()
	for words, client := range map[string]struct{ address, scheme string }{
		"the server may want TLS":       {closing.Addr().String(), "http://"},
		"the server does not speak TLS": {plain.Addr().String(), "https://"},
	} {
		client, err := NewClient(client.scheme+client.address, WithRetry(Retry{Attempts: 1}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = client.Models(context.Background()); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
		client.Close()
	}
}
