package app

import (
	"context"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

func TestToken(t *testing.T) {
	t.Parallel()

	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "serviceaccounts"}, "algebra-invigilator", nil)

	tests := map[string]struct {
		args    []string
		refusal error
		seconds int64
		want    string // of the error
	}{
		"an hour":      {args: []string{"token", "algebra"}, seconds: 3600},
		"shorter":      {args: []string{"token", "algebra", "--duration", "10m"}, seconds: 600},
		"too short":    {args: []string{"token", "algebra", "--duration", "9m"}, want: "no token for less than 10m"},
		"no such exam": {args: []string{"token", "biology"}, want: `exam "biology" not found in namespace "exams"`},
		"not allowed": {
			args: []string{"token", "algebra"}, refusal: forbidden,
			want: `your role lacks the verb "create" on "serviceaccounts/token"`,
		},
	}

	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			var asked authenticationv1.TokenRequestSpec

			create := func(
				ctx context.Context, c client.Client, kind string, object, sub client.Object,
				options ...client.SubResourceCreateOption,
			) error {
				if request, ok := sub.(*authenticationv1.TokenRequest); ok {
					asked = request.Spec
				}

				if tc.refusal != nil {
					return tc.refusal
				}

				return c.SubResource(kind).Create(ctx, object, sub, options...)
			}
			account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "exams", Name: "algebra-invigilator"}}
			plugin := interceptedPlugin(interceptor.Funcs{SubResourceCreate: create}, account)

			stdout, _, err := plugin.run(t, tc.args...)
			if tc.want != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("error %v, want %q", err, tc.want)
				}

				return
			}

			if err != nil || strings.TrimSpace(stdout) == "" || strings.Count(stdout, "\n") != 1 {
				t.Fatalf("printed %q, %v", stdout, err)
			}

			if len(asked.Audiences) != 1 || asked.Audiences[0] != "invigil:exam:exams/algebra" ||
				*asked.ExpirationSeconds != tc.seconds {
				t.Errorf("asked for %+v", asked)
			}
		})
	}
}
