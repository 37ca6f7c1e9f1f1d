package negotiate

import (
	"strconv"
	"strings"
)

// What is repeated in answers is checked character by character: the parser
// leaves control characters in values.

// isToken is RFC 8866's token, section 9.
func isToken(s string) bool {
	return s != "" && all(s, func(c byte) bool {
		return c > ' ' && c < 0x7f && !strings.ContainsRune(`"(),/:;<=>?@[\]`, rune(c))
	})
}

// isText is printable ASCII without spaces.
func isText(s string) bool {
	return s != "" && all(s, func(c byte) bool { return c > ' ' && c < 0x7f })
}

// isICE is ice-char of RFC 8839, section 5.1.
func isICE(s string, shortest, longest int) bool {
	return len(s) >= shortest && len(s) <= longest &&
		all(s, func(c byte) bool { return isAlphanumeric(c) || c == '+' || c == '/' })
}

// isRID is RFC 8851's rid-id, section 10, as long as one header extension holds
// (RFC 8285, section 4.2).
func isRID(s string) bool {
	const longest = 16

	return s != "" && len(s) <= longest && all(s, func(c byte) bool { return isAlphanumeric(c) || c == '-' || c == '_' })
}

// isDigest tells whether s is size bytes in upper-case hexadecimal with colons.
func isDigest(s string, size int) bool {
	if len(s) != 3*size-1 {
		return false
	}

	for i := range len(s) {
		c := s[i]
		if i%3 == 2 && c != ':' || i%3 != 2 && (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return false
		}
	}

	return true
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func all(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}

	return true
}

// payloadType reads the number of a dynamic payload type. 64 to 95 would be
// taken for RTCP (RFC 5761, section 4), and 0 is PCMU's (RFC 3551, section 6).
func payloadType(s string) (uint8, bool) {
	n, err := strconv.ParseUint(s, 10, 8)

	return uint8(n), err == nil && n > 0 && n < 128 && (n < 64 || n > 95)
}
