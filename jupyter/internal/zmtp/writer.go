package zmtp

import "encoding/binary"

// AppendMessage appends the frames of one message to dst.
func AppendMessage(dst []byte, parts ...[]byte) []byte {
	for i, p := range parts {
		var flags byte
		if i < len(parts)-1 {
			flags = flagMore
		}
		dst = appendFrame(dst, flags, p)
	}
	return dst
}

// AppendCommand appends a command's frame to dst.
func AppendCommand(dst []byte, name string, body []byte) []byte {
	payload := append([]byte{byte(len(name))}, name...)
	return appendFrame(dst, flagCommand, append(payload, body...))
}

func appendFrame(dst []byte, flags byte, body []byte) []byte {
	if len(body) < 256 {
		dst = append(dst, flags, byte(len(body)))
	} else {
		dst = append(dst, flags|flagLong)
		dst = binary.BigEndian.AppendUint64(dst, uint64(len(body)))
	}
	return append(dst, body...)
}

// wireSize is at least what AppendMessage appends.
func wireSize(parts [][]byte) int {
	n := 0
	for _, p := range parts {
		n += len(p) + 9
	}
	return n
}
