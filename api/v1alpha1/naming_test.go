package v1alpha1_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

func TestSessionName(t *testing.T) {
	t.Parallel()

	cases := map[string]struct{ id, want string }{
		"plain":             {"ada", "algebra-1-ada"},
		"with a number":     {"student-001", "algebra-1-student-001"},
		"capitals":          {"Ada", "algebra-1-ada-99a563ab"},
		"mail address":      {"ada@x.org", "algebra-1-ada-x-org-210e59f6"},
		"like a hash":       {"ada-0123abcd", "algebra-1-ada-0123abcd-a394077e"},
		"nothing of a name": {"9_", ""},
	}

	seen := map[string]string{}

	for name, tc := range cases {
		got := examv1alpha1.SessionName("algebra-1", tc.id)
		if problems := validation.IsDNS1123Subdomain(got); len(problems) > 0 {
			t.Errorf("%s: %q is no object name: %v", name, got, problems)
		}

		if tc.want != "" && got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}

		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q share the name %q", tc.id, other, got)
		}

		seen[got] = tc.id
	}

	long := examv1alpha1.SessionName(strings.Repeat("e", 200), strings.Repeat("A", 128))
	if problems := validation.IsDNS1123Subdomain(long); len(problems) > 0 {
		t.Errorf("%d characters: %v", len(long), problems)
	}
}
