package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// gateSocket is the socket's name.
const gateSocket = "gate"

// gateLimit bounds the time in which all executions of a gate arrive.
const gateLimit = 2 * time.Minute

// gate is a Unix socket at which executions wait, and so keep the queue behind
// them from moving.
type gate struct {
	listener *net.UnixListener
	arrived  chan struct{}
	serving  sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

// newGate makes the socket in dir, where the kernels run: they may have a /tmp
// of their own.
func newGate(dir string) (*gate, error) {
	folder, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	// The path of a socket is short, that of a folder need not be.
	name := fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), gateSocket)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // the name is another's by then
	g := &gate{listener: l, arrived: make(chan struct{})}
	g.serving.Go(g.accept)
	return g, nil
}

func (g *gate) accept() {
	defer close(g.arrived)
	for {
		conn, err := g.listener.Accept()
		if err != nil {
			return
		}
		g.mu.Lock()
		g.conns = append(g.conns, conn)
		g.mu.Unlock()
		g.arrived <- struct{}{}
	}
}

// await returns when n executions have arrived since the last call.
func (g *gate) await(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, gateLimit, errors.New("the executions do not all arrive at the gate"))
	defer cancel()
	for range n {
		select {
		case <-g.arrived:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// open lets all go on. It is idempotent.
func (g *gate) open() {
	_ = g.listener.Close()
	g.mu.Lock()
	for _, conn := range g.conns {
		_ = conn.Close()
	}
	g.conns = nil
	g.mu.Unlock()
	for range g.arrived { //nolint:revive // until accept has ended
	}
	g.serving.Wait()
}
