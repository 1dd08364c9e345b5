package grpcapi

import (
	"errors"
	"fmt"
	"io"
)

// chunkSize is how much of a file goes into one message: a client of gRPC
// takes 4 MiB by default.
const chunkSize = 256 << 10

// sendChunks passes r's bytes to send, piece by piece. The piece is send's
// until it returns.
func sendChunks(r io.Reader, send func([]byte) error) error {
	buf := make([]byte, chunkSize)
	for {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			if err := send(buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return fmt.Errorf("read file: %w", err)
		}
	}
}

// chunkReader reads the pieces that a client sends as one stream.
type chunkReader struct {
	next func() ([]byte, error) // io.EOF after the last
	rest []byte
	err  error // the first of next's errors that is not io.EOF
}

func (c *chunkReader) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		piece, err := c.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				c.err = err
			}
			return 0, err
		}
		c.rest = piece
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// or returns the error with which the client's stream has ended, and err where
// it has not: what was made of the former on the way is nothing to tell.
func (c *chunkReader) or(err error) error {
	if c.err != nil {
		return c.err
	}
	return err
}
