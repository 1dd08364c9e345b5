package jupyter

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"
)

func TestArrivals(t *testing.T) {
	dir := t.TempDir()
	a, err := watchFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if a.next(t.Context(), time.Millisecond) {
		t.Error("something came into an empty folder")
	}
	for _, name := range []string{"one", "two"} {
		come := make(chan bool, 1)
		go func() { come <- a.next(t.Context(), time.Minute) }()
		var lc net.ListenConfig
		l, err := lc.Listen(t.Context(), "unix", filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if !<-come {
			t.Errorf("%s was not noticed", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if a.next(ctx, time.Minute) {
		t.Error("something came after the end")
	}
}

func TestNoArrivals(t *testing.T) {
	for name, info := range map[string]ConnectionInfo{
		"over TCP":                    {Transport: transportTCP, IP: "127.0.0.1"},
		"in a folder that is missing": {Transport: transportIPC, IP: "/nonexistent/kernel"},
	} {
		t.Run(name, func(t *testing.T) {
			a := watchSockets(info)
			defer a.close()
			if a != nil || a.next(t.Context(), time.Millisecond) {
				t.Error("something came")
			}
		})
	}
}
