package zmtp

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// splitCommand parses a command's name off its body.
func splitCommand(command []byte) (name string, body []byte, err error) {
	if len(command) == 0 || len(command) < 1+int(command[0]) {
		return "", nil, fmt.Errorf("%w: command without a name", ErrProtocol)
	}
	end := 1 + int(command[0])
	return string(command[1:end]), command[end:], nil
}

// Peer is what the other end said of itself.
type Peer struct {
	Type     SocketType
	Identity string
}

// readyBody is READY's metadata for this end.
func readyBody(t SocketType, identity string) []byte {
	body := appendProperty(nil, "Socket-Type", string(t))
	if t == Dealer || t == Router {
		body = appendProperty(body, "Identity", identity)
	}
	return body
}

func appendProperty(dst []byte, name, value string) []byte {
	dst = append(dst, byte(len(name)))
	dst = append(dst, name...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(value)))
	return append(dst, value...)
}

// parseReady reads the peer's READY metadata and checks that own may talk to it.
func parseReady(body []byte, own SocketType) (Peer, error) {
	var peer Peer
	for len(body) > 0 {
		nameEnd := 1 + int(body[0])
		if len(body) < nameEnd+4 {
			return Peer{}, fmt.Errorf("%w: READY with a cut property", ErrProtocol)
		}
		name, rest := string(body[1:nameEnd]), body[nameEnd+4:]
		size := binary.BigEndian.Uint32(body[nameEnd:])
		if uint64(size) > uint64(len(rest)) {
			return Peer{}, fmt.Errorf("%w: READY with a cut property", ErrProtocol)
		}
		switch name {
		case "Socket-Type":
			peer.Type = SocketType(rest[:size])
		case "Identity":
			peer.Identity = string(rest[:size])
		}
		body = rest[size:]
	}
	if !slices.Contains(talksTo[own], peer.Type) {
		return Peer{}, fmt.Errorf("%w: %s socket cannot talk to a peer of type %q", ErrProtocol, own, peer.Type)
	}
	return peer, nil
}

// peerError is the error for the peer's ERROR command.
func peerError(body []byte) error {
	reason := "no reason given"
	if len(body) > 0 && len(body) >= 1+int(body[0]) {
		reason = string(body[1 : 1+int(body[0])])
	}
	return fmt.Errorf("%w: peer refused: %q", ErrProtocol, reason)
}

// pong is the body of the PONG for a PING's body: its context, without the
// two bytes of its time to live.
func pong(ping []byte) ([]byte, error) {
	const ttl, maxContext = 2, 16
	if len(ping) < ttl || len(ping) > ttl+maxContext {
		return nil, fmt.Errorf("%w: PING of %d bytes", ErrProtocol, len(ping))
	}
	return ping[ttl:], nil
}
