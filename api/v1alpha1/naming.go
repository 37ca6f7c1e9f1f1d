package v1alpha1

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

var notDNSLabel = regexp.MustCompile(`[^a-z0-9-]+`)

// SessionName is the name of the ExamSession of one student: <exam>-<id> where
// that is a valid and unambiguous object name, else <exam>-<id made valid>-<hash
// of the id>, cut to 253 characters.
func SessionName(exam, studentID string) string {
	plain := exam + "-" + studentID
	fits := len(plain) <= validation.DNS1123SubdomainMaxLength

	if fits && len(validation.IsDNS1123Label(studentID)) == 0 && !looksHashed(studentID) {
		return plain
	}

	sum := sha256.Sum256([]byte(studentID))
	suffix := "-" + hex.EncodeToString(sum[:4])
	slug := strings.Trim(notDNSLabel.ReplaceAllString(strings.ToLower(studentID), "-"), "-")

	base := exam + "-" + slug
	if limit := validation.DNS1123SubdomainMaxLength - len(suffix); len(base) > limit {
		base = base[:limit]
	}

	return strings.TrimRight(base, "-.") + suffix
}

var hashed = regexp.MustCompile(`-[0-9a-f]{8}$`)

// looksHashed keeps a student whose real id ends like a hash apart from a
// student whose name was made valid by one.
func looksHashed(id string) bool { return hashed.MatchString(id) }
