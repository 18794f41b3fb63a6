package lethe

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
)

// Retry says when a call is made again that failed for a moment's reason. A call that the server refuses with a time to
// wait is made again after that time. One that did not reach the server is made again after a pause that doubles, if it
// asks or generates; orders (Unlearn, Cancel, Activate) are not, since the server may have carried them out. A zero field
// is its default.
type Retry struct {
	// Attempts is how often one call is made at most; 1: never again. Default 5.
	Attempts int
	// FirstPause before the second attempt without a word from the server; then twice as long. Default 100 ms.
	FirstPause time.Duration
	// LongestPause of those. Default 5 s.
	LongestPause time.Duration
	// WatchPatience is how long a watch tries to reach a server again that it lost. Default 5 minutes: a server that is
	// restarted has to load its models.
	WatchPatience time.Duration
}

func (r Retry) withDefaults() Retry {
	if r.Attempts == 0 {
		r.Attempts = 5
	}
	if r.FirstPause == 0 {
		r.FirstPause = 100 * time.Millisecond
	}
	if r.LongestPause == 0 {
		r.LongestPause = 5 * time.Second
	}
	if r.WatchPatience == 0 {
		r.WatchPatience = 5 * time.Minute
	}
	return r
}

// pause before attempt + 1, drawn so that clients that failed together do not come back together.
func (r Retry) pause(attempt int) time.Duration {
	longest := min(r.LongestPause, r.FirstPause<<min(attempt-1, 16))
	return longest/2 + rand.N(longest/2+1)
}

// again waits until the call may be made again; false if it may not. Attempts counts those made.
func (r Retry) again(ctx context.Context, err *Error, attempts int, repeatable bool) bool {
	if attempts >= r.Attempts {
		return false
	}
	pause := err.RetryAfter
	switch {
	case err.Code == codes.ResourceExhausted && pause >= 0:
	case err.Code == codes.Unavailable && repeatable:
		if pause < 0 {
			pause = r.pause(attempts)
		}
	default:
		return false
	}
	return sleep(ctx, pause)
}

// patience is a watch's tries to reach the server again; every event that comes renews it.
type patience struct {
	retry Retry
	tries int
	lost  time.Time
}

func (p *patience) renew() { p.tries, p.lost = 0, time.Time{} }

func (p *patience) again(ctx context.Context, err *Error) bool {
	if err.Code != codes.Unavailable && (err.Code != codes.ResourceExhausted || err.RetryAfter < 0) {
		return false
	}
	if p.lost.IsZero() {
		p.lost = time.Now()
	}
	p.tries++
	pause := err.RetryAfter
	if pause < 0 {
		pause = p.retry.pause(p.tries)
	}
	return time.Since(p.lost)+pause <= p.retry.WatchPatience && sleep(ctx, pause)
}

// sleep is false, at once, if the context would end before.
func sleep(ctx context.Context, pause time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= pause {
		return false
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
