package executor

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"testing/synctest"
	"time"
)

func TestIdleWatch(t *testing.T) {
	const second = time.Second
	for name, tt := range map[string]struct {
		used func(since time.Duration) time.Duration // by the time since the start
		want time.Duration                           // when the watch gives up; 0: never
	}{
		"idle":              {func(time.Duration) time.Duration { return 0 }, 60 * second},
		"just too little":   {func(since time.Duration) time.Duration { return since * 2 * 99 / 10000 }, 60 * second},
		"just enough":       {func(since time.Duration) time.Duration { return since * 2 / 100 }, 0},
		"busy at the start": {func(since time.Duration) time.Duration { return min(since, 30*second) }, 90 * second},
		"busy for a moment": {func(since time.Duration) time.Duration {
			if since > 45*second {
				return second
			}
			return 0
		}, 106 * second},
		"a process is gone": {func(since time.Duration) time.Duration { return max(0, 30*second-since) }, 60 * second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				w := &idleWatch{after: time.Minute, cpus: 2, used: func() time.Duration { return tt.used(time.Since(begun)) }}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				idle := w.wait(ctx)
				if got := time.Since(begun); idle != (tt.want > 0) || idle && got != tt.want {
					t.Errorf("got %t after %s, want it after %s", idle, got, tt.want)
				}
			})
		})
	}
}

func TestUsedBelow(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `read line; i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo done; read line`)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	before := usedBelow(os.Getpid())
	_, err1 := in.Write([]byte("\n"))
	_, err2 := out.Read(make([]byte, 4))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if after := usedBelow(os.Getpid()); after <= before {
		t.Errorf("got %s after a loop and %s before it", after, before)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its second read fails
}
